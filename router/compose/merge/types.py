"""What merges the same way for every kind of type: existence, kind, description, keys, `implements`."""

from __future__ import annotations

from router.compose.merge.applications import record_type_directives
from router.compose.merge.context import MergeContext, Sources, join, places, present, spread
from router.compose.merge.descriptions import merge_description
from router.compose.merge.join_directives import add_join_directives
from router.compose.report import name_list
from router.compose.schema import BUILT_IN_SCALARS, Kind, TypeDefinition
from router.compose.subgraph import MACHINERY_TYPES, Subgraph
from router.federation import specs

_NOT_MERGED = frozenset({specs.FEDERATION, specs.LINK, specs.CORE, specs.CONNECT})


def is_merged_type(subgraph: Subgraph, name: str) -> bool:
    if name in MACHINERY_TYPES:
        return False
    origin = subgraph.links.type_origin(name) if subgraph.links else None
    return origin is None or origin.link.url.identity not in _NOT_MERGED


def add_types(context: MergeContext) -> None:
    """Creates all types, empty, and reports those whose kinds differ."""
    mismatched: dict[str, None] = {}
    interface_objects: dict[str, None] = {}
    for index, subgraph in enumerate(context.subgraphs):
        for type_ in subgraph.schema.types.values():
            if not is_merged_type(subgraph, type_.name):
                continue
            kind = context.kind_in(index, type_)
            if subgraph.is_interface_object(type_):
                interface_objects[type_.name] = None
            if type_.name in BUILT_IN_SCALARS:
                mismatched[type_.name] = None
                continue
            merged = context.merged.types.setdefault(type_.name, TypeDefinition(kind, type_.name))
            if merged.kind is not kind:
                mismatched[type_.name] = None
        if "Query" not in context.merged.types:
            context.merged.types["Query"] = TypeDefinition(Kind.OBJECT, "Query")
    for name in mismatched:
        _report_kinds(context, name)
    for name in interface_objects:
        sources = context.types_by_name[name]
        if name not in mismatched and not any(t.kind is Kind.INTERFACE for t in sources.values()):
            where = name_list(context.subgraphs[index].name for index in sources)
            context.report.error(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f'"{name}" is an @interfaceObject in all subgraphs that define it ({where}):'
                " one of them must define it as an interface.",
                places=places(context, sources),
            )


def _report_kinds(context: MergeContext, name: str) -> None:
    sources: Sources[TypeDefinition] = dict(context.types_by_name[name])

    def describe(type_: TypeDefinition) -> str:
        is_object = any(s.schema.types.get(name) is type_ and s.is_interface_object(type_) for s in context.subgraphs)
        return "interface object" if is_object else type_.kind.lower().replace("_", " ")

    context.report.error(
        "TYPE_KIND_MISMATCH",
        f'"{name}" has different kinds: {spread(context, sources, describe)}.',
        places=places(context, sources),
    )


def merge_common(context: MergeContext, merged: TypeDefinition) -> None:
    sources = context.types(merged)
    _check_has_base(context, sources, merged)
    merge_description(context, sources, merged)
    _add_join_types(context, sources, merged)
    record_type_directives(context, sources, merged)
    add_join_directives(context, sources, merged)


def _check_has_base(context: MergeContext, sources: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    if context.merged.root_kind(merged.name) or any(type_.is_defined for _, type_ in present(sources)):
        return
    for index, type_ in present(sources):
        if type_.is_extended:
            context.report.error(
                "EXTENSION_WITH_NO_BASE",
                f'"{merged.name}" is extended, but no subgraph defines it.',
                places=[context.place(index, type_.extension_nodes[0])],
            )


def _add_join_types(context: MergeContext, sources: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    """One @join__type for each key, or one for a type without keys."""
    indexes = range(len(context.subgraphs)) if merged.name == "Query" else sources
    for index in indexes:
        type_ = sources.get(index)
        graph = context.graph(index)
        if type_ is None:
            merged.applications.append(join("type", graph=graph))
            continue
        subgraph = context.subgraphs[index]
        is_interface_object = subgraph.is_interface_object(type_) or None
        keys = subgraph.all_applied(type_, "key")
        if not keys:
            merged.applications.append(join("type", graph=graph, isInterfaceObject=is_interface_object))
        for key in keys:
            is_extension = bool(key.extension) or subgraph.applied(type_, "extends") is not None
            merged.applications.append(
                join(
                    "type",
                    graph=graph,
                    key=key.arguments.get("fields"),
                    extension=is_extension or None,
                    resolvable=key.arguments.get("resolvable"),
                    isInterfaceObject=is_interface_object,
                )
            )


def merge_implements(context: MergeContext, merged: TypeDefinition) -> None:
    for index, type_ in present(context.types(merged)):
        for name in type_.interfaces:
            merged.applications.append(join("implements", graph=context.graph(index), interface=name))
            if name not in merged.interfaces:
                merged.interfaces.append(name)
    context.merged.types_changed()
