"""Fields that read other fields, by @requires or @fromContext, must ask for at least the same access."""

from __future__ import annotations

from dataclasses import dataclass

from router.compose.facts import split_context
from router.compose.field_sets import FieldSelection, FieldSetError, Selection, resolve
from router.compose.merge.context import MergeContext
from router.compose.merge.strategies import as_dnf, conjoin, implies
from router.compose.schema import COMPOSITE, Element, Field, TypeDefinition, applied
from router.compose.type_ref import base_name


@dataclass(frozen=True, slots=True)
class _Access:
    is_authenticated: bool
    scopes: list[list[str]]
    policies: list[list[str]]

    def covers(self, other: _Access) -> bool:
        return (
            (self.is_authenticated or not other.is_authenticated)
            and implies(self.scopes, other.scopes)
            and implies(self.policies, other.policies)
        )


def check_transitive_access(context: MergeContext) -> None:
    if not context.access:
        return
    for index in range(len(context.subgraphs)):
        for use, field, parent in context.facts[index].uses.get("requires", ()):
            if isinstance(field, Field):
                _check(context, index, field, parent.coordinate, use.arguments.get("fields"))
        for use, _, field in context.facts[index].uses.get("fromContext", ()):
            if isinstance(field, Field):
                _check_context(context, index, field, use.arguments.get("field"))


def _check(context: MergeContext, index: int, field: Field, type_name: str, text: object) -> None:
    type_ = context.merged.types.get(type_name)
    if type_ is None or not isinstance(text, str):
        return
    try:
        selections = resolve(context.merged, type_, text)
    except FieldSetError:
        return
    wall = _first_wall(context, selections, _access_of_field(context, field))
    if wall is not None:
        _report(context, index, field, wall)


def _check_context(context: MergeContext, index: int, field: Field, text: object) -> None:
    parsed = split_context(text)
    if parsed is None:
        return
    subgraph = context.subgraphs[index]
    for use, setter, _ in context.facts[index].uses.get("context", ()):
        if use.arguments.get("name") != parsed[0] or not isinstance(setter, TypeDefinition):
            continue
        merged = context.merged.types.get(setter.name)
        if merged is not None and not _access_of_field(context, field).covers(_access(context, merged)):
            _report(context, index, field, f"{subgraph.name}'s context {parsed[0]}")
        else:
            _check(context, index, field, setter.name, parsed[1])


def _first_wall(context: MergeContext, selections: tuple[Selection, ...], own: _Access) -> str | None:
    """The coordinate of the first selected element that asks for more than `own`."""
    for selection in selections:
        passed: list[Element] = []
        if isinstance(selection, FieldSelection):
            if selection.field is not None:
                passed.append(selection.field)
                type_ = context.merged.types.get(base_name(selection.field.type))
                if type_ is not None:
                    passed.append(type_)
        elif selection.condition is not None:
            passed.append(selection.condition)
        for element in passed:
            if not own.covers(_access(context, element)):
                return passed[0].coordinate
        inner = _first_wall(context, selection.selections, own)
        if inner is not None:
            return inner
    return None


def _access_of_field(context: MergeContext, field: Field) -> _Access:
    """What a client needs to read a field: the requirements of its type and its own."""
    type_ = context.merged.types[field.parent]
    merged = type_.fields.get(field.name)
    of_type = _access(context, type_)
    if merged is None or type_.kind not in COMPOSITE:
        return of_type
    own = _access(context, merged)
    return _Access(
        of_type.is_authenticated or own.is_authenticated,
        conjoin([of_type.scopes, own.scopes]),
        conjoin([of_type.policies, own.policies]),
    )


def _access(context: MergeContext, element: Element) -> _Access:
    names = context.access
    scopes = applied(element, names.get("requiresScopes"))
    policies = applied(element, names.get("policy"))
    return _Access(
        "authenticated" in names and applied(element, names["authenticated"]) is not None,
        as_dnf(scopes.arguments.get("scopes") or []) if scopes else [[]],
        as_dnf(policies.arguments.get("policies") or []) if policies else [[]],
    )


def _report(context: MergeContext, index: int, field: Field, wall: str) -> None:
    context.report.error(
        "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
        f'"{field.coordinate}" reads "{wall}", but does not ask for the access that takes.',
        places=[context.place(index, field.node)],
    )
