"""Text of one line."""

import pytest

from common.text import is_printable_line


@pytest.mark.parametrize("text", ["", "Jörg O'Neil", "👩‍👩‍👧‍👦", "नमस्ते", "علي", "李 小龍", "Ltd. & Co. <3"])
def test_names_of_all_scripts_are_printable(text: str) -> None:
    assert is_printable_line(text)


UNPRINTABLE = [
    "a\x00b",
    "a\r\nSet-Cookie: b",
    "\x1b[31mred",
    "a\x7f",
    "\u202eecila",
    "\u2066b",
    "\u2028",
    "\uffff",
    "\ud800",
]


@pytest.mark.parametrize("text", UNPRINTABLE)
def test_controls_reordering_and_what_is_no_character_are_not(text: str) -> None:
    assert not is_printable_line(text)
