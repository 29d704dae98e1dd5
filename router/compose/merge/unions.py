"""Unions have the members of all subgraphs."""

from __future__ import annotations

from router.compose.merge.context import MergeContext, Sources, join, presence, present
from router.compose.schema import TypeDefinition


def merge_union(context: MergeContext, merged: TypeDefinition) -> None:
    sources = context.types(merged)
    for _, type_ in present(sources):
        merged.members += [name for name in type_.members if name not in merged.members]
    for name in merged.members:
        having: Sources[TypeDefinition] = {i: t if name in t.members else None for i, t in present(sources)}
        for index, _ in present(having):
            merged.applications.append(join("unionMember", graph=context.graph(index), member=name))
        if None in having.values():
            context.report.hint(
                "INCONSISTENT_UNION_MEMBER",
                f'Member "{name}" of union "{merged.name}" is {presence(context, having)}.',
                merged.name,
            )
