"""Directives recorded as @join__directive: the router reads them, the supergraph's types do not carry them."""

from __future__ import annotations

from collections.abc import Mapping

from router.compose.merge.context import MergeContext, join
from router.compose.schema import Element
from router.compose.values import EnumText, Value, same_value
from router.federation.link import make_link


def add_join_directives(context: MergeContext, sources: Mapping[int, Element | None], merged: Element) -> None:
    if not context.through_join:
        return
    recorded: list[tuple[str, dict[str, Value], list[EnumText]]] = []
    for index, source in sources.items():
        if source is None:
            continue
        for use in source.applications:
            if use.name not in context.through_join:
                continue
            name = _full_name(context, index, use.name)
            graph = context.graph(index)
            same = next((r for r in recorded if r[0] == name and same_value(r[1], use.arguments)), None)
            if same is not None:
                same[2].append(graph)
            else:
                recorded.append((name, use.arguments, [graph]))
    for name, arguments, graphs in recorded:
        merged.applications.append(join("directive", graphs=list(graphs), name=name, args=dict(arguments)))


def _full_name(context: MergeContext, index: int, name: str) -> str:
    """`cacheTag` -> `federation__cacheTag`: a name that needs no import."""
    links = context.subgraphs[index].links
    origin = links.directive_origin(name) if links else None
    if origin is None or origin.name is None:
        return name
    return make_link(origin.link.url, None, ()).directive_name(origin.name)
