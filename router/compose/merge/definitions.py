"""Directive definitions: the composed ones, and executable ones that all subgraphs define."""

from __future__ import annotations

from router.compose.built_in import BUILT_IN_DIRECTIVES, EXECUTABLE_LOCATIONS
from router.compose.merge.arguments import merge_arguments
from router.compose.merge.context import MergeContext, Sources, presence, present, spread
from router.compose.merge.descriptions import merge_description
from router.compose.report import name_list
from router.compose.schema import DirectiveDefinition


def add_directives(context: MergeContext) -> None:
    """Creates the definitions, empty, of all directives that may get into the supergraph."""
    for subgraph in context.subgraphs:
        for definition in subgraph.schema.directives.values():
            name = definition.name
            if name in context.custom.get(subgraph.name, ()) or (
                name not in context.through_join and name not in BUILT_IN_DIRECTIVES and _executable(definition)
            ):
                context.merged.directives.setdefault(name, DirectiveDefinition(name))


def merge_directive_definitions(context: MergeContext) -> None:
    for merged in list(context.merged.directives.values()):
        if merged.name == "link" or merged.name.startswith("join__"):
            continue
        if merged.name in context.custom_definitions:
            _copy_latest(context, merged)
        elif merged.name not in context.composed:
            _merge_executable(context, merged)


def _executable(definition: DirectiveDefinition) -> list[str]:
    return sorted(location for location in definition.locations if location in EXECUTABLE_LOCATIONS)


def _copy_latest(context: MergeContext, merged: DirectiveDefinition) -> None:
    """A composed directive is defined as in the subgraph that links the latest version of its feature."""
    identity, original = context.custom_definitions[merged.name]
    owners = context.custom_owners.get(identity, ())
    for index in range(len(context.subgraphs) - 1, -1, -1):
        subgraph = context.subgraphs[index]
        if subgraph.name not in owners:
            continue
        link = subgraph.links.links.get(identity) if subgraph.links else None
        definition = subgraph.schema.directives.get(link.directive_name(original)) if link else None
        if definition is not None:
            merged.locations = definition.locations
            merged.repeatable = definition.repeatable
            merged.description = definition.description
            merge_arguments(context, {index: definition}, merged)
            return
    context.report.error(
        "DIRECTIVE_COMPOSITION_ERROR",
        f'"{identity}" is linked in {name_list(owners)} without a definition of "@{merged.name}".',
        subgraphs=owners,
    )


def _merge_executable(context: MergeContext, merged: DirectiveDefinition) -> None:
    """Clients may use an executable directive anywhere, so every subgraph must understand it."""
    sources: Sources[DirectiveDefinition] = {
        index: subgraph.schema.directives.get(merged.name) for index, subgraph in enumerate(context.subgraphs)
    }
    if not any(_executable(source) for _, source in present(sources)):
        return
    if None in sources.values():
        _drop(context, merged, "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE", f"it is {presence(context, sources)}")
        return
    definitions = [source for _, source in present(sources)]
    locations = set(_executable(definitions[0])).intersection(*map(_executable, definitions))
    described = spread(context, sources, lambda source: "|".join(_executable(source)))
    if not locations:
        _drop(context, merged, "NO_EXECUTABLE_DIRECTIVE_INTERSECTION", f"its locations are {described}")
        return
    merged.locations = tuple(sorted(locations))
    merged.repeatable = all(source.repeatable for source in definitions)
    merge_description(context, sources, merged)
    if len({source.repeatable for source in definitions}) > 1:
        message = f'"@{merged.name}" is not repeatable in all subgraphs, so not in the supergraph.'
        context.report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE", message, merged.coordinate)
    if len({tuple(_executable(source)) for source in definitions}) > 1:
        message = f'"@{merged.name}" keeps the common ones of its locations: {described}.'
        context.report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS", message, merged.coordinate)
    merge_arguments(context, sources, merged)


def _drop(context: MergeContext, merged: DirectiveDefinition, code: str, reason: str) -> None:
    del context.merged.directives[merged.name]
    context.report.hint(code, f'"@{merged.name}" is left out of the supergraph: {reason}.', merged.coordinate)
