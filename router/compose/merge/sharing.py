"""A field that several subgraphs resolve must be shareable in all of them."""

from __future__ import annotations

from router.compose.merge.context import MergeContext, Sources, subgraphs_of
from router.compose.merge.fields import stand_ins
from router.compose.merge.override import Overrides
from router.compose.schema import Field


def check_sharing(context: MergeContext, sources: Sources[Field], merged: Field, overrides: Overrides) -> None:
    resolving: list[tuple[int, Field]] = []
    for index, source in sources.items():
        if source is not None and overrides.is_overridden(index):
            continue
        versions = [source] if source is not None else stand_ins(context, merged, index)
        resolving += [(index, v) for v in versions if not context.facts[index].is_fully_external(v)]
    exclusive = [(i, v) for i, v in resolving if v.coordinate not in context.facts[i].shareable]
    if not exclusive or len(resolving) < 2:
        return
    through = sorted({version.coordinate for _, version in resolving} - {merged.coordinate})
    notes = [f' (through the interface object\'s "{name}")' for name in through]
    if any(index in overrides.unknown_target for index, _ in exclusive):
        notes.append(" (one of them has an @override from a subgraph that does not exist)")
    context.report.error(
        "INVALID_FIELD_SHARING",
        f'"{merged.coordinate}" is resolved by {subgraphs_of(context, dict.fromkeys(i for i, _ in resolving))}, but not'
        f" @shareable in {subgraphs_of(context, dict.fromkeys(i for i, _ in exclusive))}{''.join(notes)}.",
        places=[context.place(index, version.node) for index, version in resolving],
    )
