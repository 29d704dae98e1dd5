"""The tables of codes in the documentation are those of the records."""

from __future__ import annotations

from pathlib import Path

from router.compose.codes import code_table
from router.compose.hint_codes import hint_table

_DOCUMENT = Path(__file__).parents[3] / "docs" / "composition-codes.md"


def test_the_documented_codes_are_the_codes() -> None:
    text = _DOCUMENT.read_text()
    assert (code_table() in text, hint_table() in text) == (True, True)
