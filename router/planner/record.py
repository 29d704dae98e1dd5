"""Records of which one plan makes hundreds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(eq_default=False, frozen_default=True)
def record(cls: type[_T]) -> type[_T]:
    """A dataclass with slots, compared by identity. Frozen for the type checker only: to be frozen at run time as well
    makes it four times as dear to make, which is a twentieth of a plan."""
    return dataclass(slots=True, eq=False)(cls)
