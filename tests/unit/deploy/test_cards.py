"""The search for card numbers finds them in every form they could be kept in, and nothing else."""

from pathlib import Path

import pytest

from deploy.prove.cards import Canary, search, search_files
from deploy.prove.scenarios.l10_card_canary import CANARIES

CANARY = Canary("4242424242424242", "9871")


@pytest.mark.parametrize(
    "kept",
    [
        "paid with 4242424242424242.",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "\\x34323432343234323432343234323432",
        '{"cvv": "9871"}',
        '("tok_visa","9871")',
        "cvc=9871&x=1",
        "security_code: 9871",
    ],
)
def test_a_card_is_found(kept: str) -> None:
    assert [sighting.where for sighting in search("here", kept.encode(), CANARY.pattern())] == ["here"]


@pytest.mark.parametrize(
    "harmless", ["visa •••• 4242", "4242424242424241", "took 9871 ms", "order 98712", "cvv 19871", "0.9871"]
)
def test_other_numbers_are_no_card(harmless: str) -> None:
    assert list(search("here", harmless.encode(), CANARY.pattern())) == []


def test_a_number_across_the_border_of_two_reads_is_found(tmp_path: Path) -> None:
    file = tmp_path / "heap"
    file.write_bytes(b"\0" * ((1 << 20) - 8) + CANARY.number.encode() + b"\0" * 100)
    assert {sighting.where for sighting in search_files(tmp_path, CANARY.pattern())} == {str(file)}


def test_the_canaries_are_numbers_a_card_could_have() -> None:
    for canary in CANARIES:
        digits = [int(digit) for digit in reversed(canary.number)]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
        assert (sum(digits[::2]) + sum(doubled)) % 10 == 0, canary
