"""Keys that clients make up are not taken for card numbers, and card numbers are."""

import random
from uuid import UUID

import pytest

from subgraphs.payments.domain.tokens import holds_card_number


def test_random_keys_are_no_card_numbers() -> None:
    dice = random.Random(1)  # noqa: S311 - the same keys each time
    keys = [UUID(int=dice.getrandbits(128), version=4) for _ in range(20_000)]
    assert [key for key in keys if holds_card_number(key.hex) or holds_card_number(str(key))] == []


@pytest.mark.parametrize("text", ["4242424242424242", "paid by 4242 4242 4242 4242", "key-4242-4242-4242-4242"])
def test_card_numbers_are_found(text: str) -> None:
    assert holds_card_number(text)
