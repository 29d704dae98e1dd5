"""Directive applications: repeatable ones add up; others must agree, merge by strategy, or the majority wins.

Access directives are special: what protects an implementation also protects its interfaces, and the other way round
for interface objects; such inherited applications take part as additional sources.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.compose.built_in import BUILT_IN_DIRECTIVES
from router.compose.merge.context import MergeContext, PendingDirectives
from router.compose.merge.strategies import merge_values
from router.compose.schema import Application, Element, Field, Kind, TypeDefinition, all_applied
from router.compose.values import Absent, Value, print_value, same_value


def composes(context: MergeContext, index: int, name: str) -> bool:
    """Whether applications of this directive, as the subgraph calls it, get into the supergraph."""
    if name in context.custom.get(context.subgraphs[index].name, ()):
        return True
    if name in context.through_join:
        return False
    return name in context.composed or name in BUILT_IN_DIRECTIVES


def record_directives(context: MergeContext, sources: Mapping[int, Element | None], merged: Element) -> None:
    _record(context, sources, merged, set())


def record_type_directives(
    context: MergeContext, sources: Mapping[int, Element | None], merged: TypeDefinition
) -> None:
    is_interface = merged.kind is Kind.INTERFACE
    _record(context, sources, merged, set(context.access) if is_interface else set())


def record_field_directives(context: MergeContext, sources: Mapping[int, Element | None], merged: Field) -> None:
    _record(context, sources, merged, set(context.access))


def _record(
    context: MergeContext, sources: Mapping[int, Element | None], merged: Element, access_directives: set[str]
) -> None:
    names: set[str] = set()
    elements: list[tuple[int, Element]] = []
    for index, source in sources.items():
        if source is None:
            continue
        elements.append((index, source))
        names.update(use.name for use in source.applications if composes(context, index, use.name))
    if context.inaccessible in names and context.inaccessible is not None:
        # what is hidden merges differently, so this has to be known at once
        _merge_directive(context, context.inaccessible, elements, merged)
        names.discard(context.inaccessible)
    for directive in sorted(access_directives):
        name = context.access[directive]
        inherited = context.inherited_access.get(f"{merged.coordinate}@{directive}", [])
        if inherited:
            more = [*elements, *((-1, element) for element in inherited)]
            context.pending.append(PendingDirectives({name}, more, merged))
            names.discard(name)
    if names:
        context.pending.append(PendingDirectives(names, elements, merged))


def merge_pending_directives(context: MergeContext) -> None:
    for pending in context.pending:
        if id(pending.target) in context.removed:
            continue
        for name in sorted(pending.names):
            _merge_directive(context, name, pending.sources, pending.target)
    context.pending.clear()


def merge_inherited(context: MergeContext, name: str, elements: list[Element], merged: Element) -> None:
    """Applies an access directive that holds only by inheritance."""
    _merge_directive(context, name, [(-1, element) for element in elements], merged)


def _merge_directive(context: MergeContext, name: str, sources: list[tuple[int, Element]], merged: Element) -> None:
    definition = context.merged.directives.get(name) or BUILT_IN_DIRECTIVES.get(name)
    uses = [(index, use) for index, element in sources for use in all_applied(element, name)]
    if not uses or definition is None:
        return
    if definition.repeatable:
        distinct: list[Application] = []
        for index, use in uses:
            if not any(_same(context, name, use, other) for other in distinct):
                distinct.append(use)
                merged.applications.append(Application(name, _stored_arguments(context, index, use)))
        return
    groups: list[tuple[Application, int]] = []
    for _, use in uses:
        at = next((i for i, (other, _) in enumerate(groups) if _same(context, name, use, other)), None)
        if at is None:
            groups.append((use, 1))
        else:
            groups[at] = (groups[at][0], groups[at][1] + 1)
    if len(groups) == 1:
        merged.applications.append(Application(name, dict(groups[0][0].arguments)))
        return
    _merge_different(context, name, groups, merged)


def _merge_different(context: MergeContext, name: str, groups: list[tuple[Application, int]], merged: Element) -> None:
    spec = context.composed.get(name)
    strategies = {argument.name: argument.strategy for argument in spec.arguments} if spec else {}
    if spec is not None and strategies and all(strategies.values()):
        given = [_with_defaults(context, name, use) for use, _ in groups]
        arguments: dict[str, Value] = {}
        for argument, strategy in strategies.items():
            value = merge_values(strategy or "", [values.get(argument) for values in given])
            if value is not None:
                arguments[argument] = value
        merged.applications.append(Application(name, arguments))
        how = ", ".join(f"{argument} by {strategy}" for argument, strategy in strategies.items())
        context.report.hint(
            "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
            f'The different arguments of @{name} on "{merged.coordinate}" are merged: {how}.',
            merged.coordinate,
        )
        return
    best = max(groups, key=lambda group: group[1])[0]
    merged.applications.append(Application(name, dict(best.arguments)))
    context.report.hint(
        "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
        f'@{name} on "{merged.coordinate}" has different arguments; the supergraph uses {print_value(best.arguments)}.',
        merged.coordinate,
    )


def _stored_arguments(context: MergeContext, index: int, use: Application) -> dict[str, Value]:
    spec = context.composed.get(use.name)
    if spec is not None and spec.name == "context" and index >= 0:
        # contexts are local to their subgraph
        return {"name": f"{context.subgraphs[index].name}__{use.arguments.get('name')}"}
    return dict(use.arguments)


def _same(context: MergeContext, name: str, one: Application, other: Application) -> bool:
    return same_value(_with_defaults(context, name, one), _with_defaults(context, name, other))


def _with_defaults(context: MergeContext, name: str, use: Application) -> dict[str, Value]:
    definition = context.merged.directives.get(name) or BUILT_IN_DIRECTIVES.get(name)
    values = dict(use.arguments)
    for argument in definition.arguments.values() if definition else ():
        default = argument.default
        if argument.name not in values and not isinstance(default, Absent):
            values[argument.name] = default
    return values
