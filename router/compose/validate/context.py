"""@context and @fromContext: names, places, and whether the selection gives what the argument takes."""

from __future__ import annotations

import re

from graphql import FieldNode, InlineFragmentNode

from router.compose.facts import Facts, split_context
from router.compose.field_sets import (
    FieldSelection,
    FieldSetError,
    FragmentSelection,
    Selection,
    parse_field_set,
    resolve,
    walk,
)
from router.compose.findings import Findings
from router.compose.schema import Application, Field, InputValue, Kind, TypeDefinition
from router.compose.subgraph import Subgraph, is_on_directive
from router.compose.type_ref import ListOf, Named, NonNull, TypeRef, nullable
from router.compose.values import ABSENT

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def check_contexts(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    setters: dict[str, list[TypeDefinition]] = {}
    for use, type_, _ in facts.uses.get("context", ()):
        name = use.arguments.get("name")
        if not isinstance(name, str) or not isinstance(type_, TypeDefinition):
            continue
        if not _NAME.fullmatch(name):
            findings.add("CONTEXT_NAME_INVALID", f'Context name "{name}" must be letters and digits.', use.node)
        setters.setdefault(name, []).append(type_)
    for use, argument, field in facts.uses.get("fromContext", ()):
        if isinstance(argument, InputValue):
            _check_reader(subgraph, use, argument, field if isinstance(field, Field) else None, setters, findings)


def _check_reader(
    subgraph: Subgraph,
    use: Application,
    argument: InputValue,
    field: Field | None,
    setters: dict[str, list[TypeDefinition]],
    findings: Findings,
) -> None:
    where = f'"{argument.coordinate}"'
    if field is None or is_on_directive(argument):
        findings.add("CONTEXT_NOT_SET", f"{where} belongs to a directive, which no context reaches.", use.node)
        return
    parent = subgraph.schema.types[field.parent]
    if parent.kind is not Kind.OBJECT:
        findings.add("CONTEXT_NOT_SET", f"{where} is of an abstract type, which no context reaches.", use.node)
        return
    for name in parent.interfaces:
        if field.name in subgraph.schema.types[name].fields:
            findings.add("CONTEXT_NOT_SET", f'{where} is of a field that implements "{name}.{field.name}".', use.node)
    if argument.default is not ABSENT:
        findings.add("CONTEXT_NOT_SET", f"{where} is contextual and cannot have a default value.", use.node)
    parsed = split_context(use.arguments.get("field"))
    if parsed is None or not parsed[1]:
        findings.add("NO_CONTEXT_IN_SELECTION", f"{where} names no context and selection.", use.node)
        return
    context, selection = parsed
    if context not in setters:
        findings.add("CONTEXT_NOT_SET", f'{where} reads context "{context}", which no type sets.', use.node)
    else:
        _SelectionCheck(subgraph, argument, context, findings).run(selection, setters[context])
    keys = subgraph.all_applied(parent, "key")
    if not any(key.arguments.get("resolvable") is not False for key in keys):
        findings.add(
            "CONTEXT_NO_RESOLVABLE_KEY",
            f'"{parent.name}" has contextual arguments, but no resolvable key.',
            parent.node,
        )


class _SelectionCheck:
    """Every type that sets the context must yield exactly one value of the argument's type."""

    def __init__(self, subgraph: Subgraph, argument: InputValue, context: str, findings: Findings) -> None:
        self.subgraph = subgraph
        self.argument = argument
        self.context = context
        self.findings = findings
        self.used_conditions: set[str] = set()

    def run(self, text: str, setters: list[TypeDefinition]) -> None:
        conditions = self._form(text)
        if conditions is None:
            return
        for setter in setters:
            try:
                selections = resolve(self.subgraph.schema, setter, text)
            except FieldSetError as error:
                self._add(f'on "{setter.name}": {error.message}')
                return
            self._check_plain(selections)
            checked = self._check_fragments(selections, setter) if conditions else self._check_field(selections, setter)
            if not checked:
                return
        for name in conditions:
            if name not in self.used_conditions:
                self._add(f'the fragment on "{name}" fits no type that sets the context')

    def _form(self, text: str) -> list[str] | None:
        """Type conditions of a selection of fragments, [] for a single field, None when it is neither."""
        try:
            nodes = parse_field_set(text).selections
        except FieldSetError as error:
            self._add(error.message)
            return None
        if len(nodes) == 1 and isinstance(nodes[0], FieldNode):
            return []
        names: list[str] = []
        for node in nodes:
            if not isinstance(node, InlineFragmentNode):
                self._add("it selects more than one field")
                return None
            if node.type_condition is not None:
                names.append(node.type_condition.name.value)
        if not nodes or len(set(names)) != len(nodes):
            self._add("each fragment needs a type condition of its own")
            return None
        return names

    def _check_plain(self, selections: tuple[Selection, ...]) -> None:
        if any(selection.directives for selection in walk(selections)):
            self._add("directives are not possible in it")
        if any(isinstance(selection, FieldSelection) and selection.alias for selection in walk(selections)):
            self._add("aliases are not possible in it")

    def _check_field(self, selections: tuple[Selection, ...], setter: TypeDefinition) -> bool:
        found = self._value_type(selections, setter)
        if found is None or not _fits(found, self.argument.type):
            self._add(f'on "{setter.name}" it gives {found or "no single type"}, not {self.argument.type}')
            return False
        return True

    def _check_fragments(self, selections: tuple[Selection, ...], setter: TypeDefinition) -> bool:
        possible = self.subgraph.schema.possible_types(setter.name)
        matching: list[tuple[TypeDefinition, FragmentSelection]] = []
        for fragment in selections:
            if not isinstance(fragment, FragmentSelection) or fragment.condition is None:
                continue
            if fragment.condition.kind is not Kind.OBJECT:
                self._add("type conditions must be object types")
            elif fragment.condition.name in possible:
                matching.append((fragment.condition, fragment))
                self.used_conditions.add(fragment.condition.name)
        if not matching:
            self._add(f'no fragment fits "{setter.name}"')
            return False
        for condition, fragment in matching:
            found = self._value_type(fragment.selections, condition)
            # other subgraphs may add types that no fragment covers, so the value may always be missing
            if found is None or not _fits(nullable(found), self.argument.type):
                self._add(f'on "{condition.name}" it gives {found or "no single type"}, not {self.argument.type}')
                return False
        return True

    def _value_type(self, selections: tuple[Selection, ...], parent: TypeDefinition) -> TypeRef | None:
        """The type of the selected value; non-null marks are lost on the way, lists are kept."""
        if self.subgraph.is_interface_object(parent):
            self._add(f'"{parent.name}" is an interface object')
        types: list[TypeRef | None] = []
        for selection in selections:
            if not isinstance(selection, FieldSelection) or selection.field is None:
                types.append(None)
            elif selection.selections:
                type_ = selection.selections[0].parent
                inner = self._value_type(selection.selections, type_)
                types.append(_with_lists(selection.field.type, inner) if inner is not None else None)
            else:
                types.append(_with_lists(selection.field.type, None))
        return types[0] if types and all(str(type_) == str(types[0]) for type_ in types) else None

    def _add(self, message: str) -> None:
        self.findings.add(
            "CONTEXT_INVALID_SELECTION",
            f'"{self.argument.coordinate}" cannot read context "{self.context}": {message}.',
            self.argument.node,
        )


def _with_lists(outer: TypeRef, inner: TypeRef | None) -> TypeRef:
    match outer:
        case NonNull():
            return _with_lists(outer.inner, inner)
        case ListOf():
            return ListOf(_with_lists(outer.item, inner))
        case Named():
            return inner if inner is not None else outer


def _fits(found: TypeRef, wanted: TypeRef) -> bool:
    if isinstance(found, NonNull):
        return _fits(found.inner, nullable(wanted))
    if isinstance(found, ListOf) and isinstance(wanted, ListOf):
        return _fits(found.item, wanted.item)
    return isinstance(found, Named) and found == wanted
