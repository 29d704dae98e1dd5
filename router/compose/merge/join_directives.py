"""Directives recorded as @join__directive: the router reads them, the supergraph's types do not carry them.

These are @cacheTag, and all of the connect feature, whose links are recorded too, for each subgraph its own version.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.compose.merge.context import MergeContext, join
from router.compose.schema import Application, Element, SchemaElement
from router.compose.values import EnumText, Value, same_value
from router.federation import specs
from router.federation.link import make_link
from router.federation.version import FeatureUrl, LinkError, Version


def add_join_directives(context: MergeContext, sources: Mapping[int, Element | None], merged: Element) -> None:
    recorded: list[tuple[str, dict[str, Value], list[EnumText]]] = []
    linked: list[Version] = []
    for index, source in sources.items():
        for use in source.applications if source is not None else ():
            name = _recorded_name(context, index, use)
            if name is None:
                continue
            if isinstance(merged, SchemaElement) and (version := _connect_version(use)):
                linked.append(version)
            graph = context.graph(index)
            same = next((r for r in recorded if r[0] == name and same_value(r[1], use.arguments)), None)
            if same is not None:
                same[2].append(graph)
            else:
                recorded.append((name, use.arguments, [graph]))
    if linked:
        _link_connect(context, max(specs.CONNECT_IN_SUPERGRAPH, *linked))
    for name, arguments, graphs in recorded:
        merged.applications.append(join("directive", graphs=list(graphs), name=name, args=dict(arguments)))


def _recorded_name(context: MergeContext, index: int, use: Application) -> str | None:
    """The name to record under, None for directives that are not recorded.

    `cacheTag` becomes `federation__cacheTag`, which needs no import; those of connect keep the subgraph's name.
    """
    links = context.subgraphs[index].links
    origin = links.directive_origin(use.name) if links else None
    if origin is None or origin.name is None:
        return None
    identity = origin.link.url.identity
    if identity == specs.CONNECT or (identity == specs.LINK and _connect_version(use)):
        return use.name
    if use.name in context.through_join:
        return make_link(origin.link.url, None, ()).directive_name(origin.name)
    return None


def _connect_version(use: Application) -> Version | None:
    """The version of connect that a `@link` links."""
    try:
        url = FeatureUrl.parse(str(use.arguments.get("url")))
    except LinkError:
        return None
    return url.version if url.identity == specs.CONNECT else None


def _link_connect(context: MergeContext, version: Version) -> None:
    url = FeatureUrl(specs.CONNECT, "connect", version)
    context.links.add(make_link(url, None, ()))
    context.merged.element.applications.append(Application("link", {"url": str(url), "for": EnumText("EXECUTION")}))
