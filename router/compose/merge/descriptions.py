"""Descriptions: the most frequent one wins, the earlier subgraph on a tie, and any text beats an empty one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from graphql import Node

from router.compose.merge.context import MergeContext, places, spread


class Described(Protocol):
    description: str | None
    node: Node | None

    @property
    def coordinate(self) -> str: ...


def merge_description(context: MergeContext, sources: Mapping[int, Described | None], merged: Described) -> None:
    described = {i: s for i, s in sources.items() if s is not None and s.description is not None}
    if not described:
        return
    counts = Counter(source.description for source in described.values())
    texts = [text for text in counts if text]
    if not texts:
        merged.description = ""
    elif len(texts) == 1:
        merged.description = texts[0]
    else:
        merged.description = max(texts, key=lambda text: counts[text])
        context.report.hint(
            "INCONSISTENT_DESCRIPTION",
            f'"{merged.coordinate}" has different descriptions; the supergraph uses {merged.description!r}: '
            + spread(context, dict(described), lambda source: repr(source.description)),
            merged.coordinate,
            places(context, described),
        )
