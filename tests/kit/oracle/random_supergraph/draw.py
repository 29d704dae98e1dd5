"""Chance, repeatable."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """The same seed gives the same draws."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # repeatable test data

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def fraction(self) -> float:
        return self._random.random()

    def number(self, least: int, most: int) -> int:
        return self._random.randint(least, most)

    def one(self, items: Sequence[T]) -> T:
        return self._random.choice(items)

    def some(self, items: Sequence[str], least: int = 1, most: int = 2) -> list[str]:
        """So many of them, as far as there are, sorted."""
        count = min(len(items), self.number(least, most))
        return sorted(self._random.sample(items, count))

    def sample(self, items: Sequence[str], count: int) -> list[str]:
        return self._random.sample(items, count)

    def shuffled(self, items: Sequence[str]) -> list[str]:
        return self.sample(items, len(items))
