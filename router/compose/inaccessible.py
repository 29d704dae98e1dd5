"""Whether what @inaccessible hides can be hidden: nothing visible may need it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from router.compose.built_in import EXECUTABLE_LOCATIONS
from router.compose.merge.context import MergeContext
from router.compose.schema import (
    BUILT_IN_SCALARS,
    DirectiveDefinition,
    Element,
    Field,
    InputValue,
    Kind,
    Schema,
    TypeDefinition,
    applied,
    elements_of,
    is_required,
)
from router.compose.type_ref import ListOf, NonNull, TypeRef, base_name
from router.compose.values import Absent, Value


class Hidden:
    """`name` is what @inaccessible is called in the supergraph, or None when it is not used."""

    def __init__(self, schema: Schema, name: str | None) -> None:
        self.schema = schema
        self.name = name

    def is_hidden(self, element: Element) -> bool:
        return self.name is not None and applied(element, self.name) is not None

    def check(self, context: MergeContext) -> None:
        if self.name is not None:
            _Check(context, self).run()


class _Check:
    def __init__(self, context: MergeContext, hidden: Hidden) -> None:
        self.context = context
        self.schema = hidden.schema
        self.is_hidden = hidden.is_hidden
        #: coordinate of an enum value or input field -> coordinates of visible elements whose default value uses it
        self.default_users: dict[str, list[str]] = defaultdict(list)
        #: type name -> coordinates of visible elements of that type
        self.users: dict[str, list[str]] = defaultdict(list)
        self._index()

    def _index(self) -> None:
        for type_ in self.schema.types.values():
            if self.is_hidden(type_):
                continue
            for field in type_.fields.values():
                if self.is_hidden(field):
                    continue
                self.users[base_name(field.type)].append(field.coordinate)
                self._index_inputs(field.arguments)
            self._index_inputs(type_.inputs)
        for directive in self.schema.directives.values():
            self._index_inputs(directive.arguments)

    def _index_inputs(self, values: dict[str, InputValue]) -> None:
        for value in values.values():
            if self.is_hidden(value):
                continue
            self.users[base_name(value.type)].append(value.coordinate)
            if not isinstance(value.default, Absent):
                for coordinate in self._referenced(value.default, value.type):
                    self.default_users[coordinate].append(value.coordinate)

    def _referenced(self, value: Value, ref: TypeRef) -> Iterator[str]:
        """Coordinates of the enum values and input fields in a default value."""
        if isinstance(ref, NonNull):
            ref = ref.inner
        if isinstance(ref, ListOf):
            for item in value if isinstance(value, list) else [value]:
                yield from self._referenced(item, ref.item)
            return
        type_ = self.schema.types.get(ref.name)
        if type_ is None:
            return
        if isinstance(value, str) and value in type_.values:
            yield type_.values[value].coordinate
        elif isinstance(value, dict):
            for name, item in value.items():
                field = type_.inputs.get(name)
                if field is not None:
                    yield field.coordinate
                    yield from self._referenced(item, field.type)

    def run(self) -> None:
        for type_ in self.schema.types.values():
            if type_.name in BUILT_IN_SCALARS or self.context.links.type_origin(type_.name) is not None:
                self._refuse(type_.name, list(elements_of(type_)), "an element of a linked feature")
            elif self.is_hidden(type_):
                self._check_hidden_type(type_)
            else:
                self._check_visible_type(type_)
        for directive in self.schema.directives.values():
            self._check_directive(directive)

    def _refuse(self, name: str, elements: list[Element], what: str) -> None:
        if any(map(self.is_hidden, elements)):
            self._error("DISALLOWED_INACCESSIBLE", name, f'"{name}" is {what} and cannot be hidden.')

    def _check_hidden_type(self, type_: TypeDefinition) -> None:
        for user in self.users[type_.name]:
            self._error(
                "REFERENCED_INACCESSIBLE", type_.name, f'"{type_.name}" is @inaccessible, but "{user}" is visible.'
            )
        if self.schema.roots.get("query") == type_.name:
            message = f'"{type_.name}" is the query root and cannot be @inaccessible.'
            self._error("QUERY_ROOT_TYPE_INACCESSIBLE", type_.name, message)

    def _check_visible_type(self, type_: TypeDefinition) -> None:
        children: list[Element] = [*type_.fields.values(), *type_.inputs.values(), *type_.values.values()]
        children += [self.schema.types[name] for name in type_.members]
        if children and all(map(self.is_hidden, children)):
            message = f'"{type_.name}" is visible, but all that is in it is @inaccessible.'
            self._error("ONLY_INACCESSIBLE_CHILDREN", type_.name, message)
        for field in type_.fields.values():
            if self.is_hidden(field):
                self._check_hidden_field(type_, field)
            else:
                for argument in field.arguments.values():
                    if self.is_hidden(argument):
                        self._check_hidden_argument(type_, field, argument)
        for input_field in type_.inputs.values():
            if self.is_hidden(input_field):
                self._check_hidden_input(input_field, f'input field of "{type_.name}"')
                self._check_default_users(input_field.coordinate)
        for value in type_.values.values():
            if self.is_hidden(value):
                self._check_default_users(value.coordinate)

    def _check_hidden_field(self, type_: TypeDefinition, field: Field) -> None:
        for name in type_.interfaces:
            interface = self.schema.types[name]
            wanted = interface.fields.get(field.name)
            if wanted is not None and not self.is_hidden(interface) and not self.is_hidden(wanted):
                message = f'"{field.coordinate}" is @inaccessible, but implements the visible "{wanted.coordinate}".'
                self._error("IMPLEMENTED_BY_INACCESSIBLE", field.coordinate, message)

    def _check_hidden_argument(self, type_: TypeDefinition, field: Field, argument: InputValue) -> None:
        self._check_hidden_input(argument, f'argument of "{field.coordinate}"')
        for name in type_.interfaces:
            interface = self.schema.types[name]
            wanted = interface.fields.get(field.name)
            other = wanted.arguments.get(argument.name) if wanted else None
            if wanted and other and not self._any_hidden(interface, wanted, other):
                message = f'"{argument.coordinate}" is @inaccessible, but implements the visible "{other.coordinate}".'
                self._error("IMPLEMENTED_BY_INACCESSIBLE", argument.coordinate, message)
        if type_.kind is not Kind.INTERFACE:
            return
        for implementing in self.schema.types.values():
            own = implementing.fields.get(field.name) if type_.name in implementing.interfaces else None
            other = own.arguments.get(argument.name) if own else None
            if own and other and is_required(other) and not self._any_hidden(implementing, own, other):
                message = f'"{argument.coordinate}" is @inaccessible, but "{other.coordinate}" is required.'
                self._error("REQUIRED_INACCESSIBLE", argument.coordinate, message)

    def _any_hidden(self, *elements: Element) -> bool:
        return any(map(self.is_hidden, elements))

    def _check_hidden_input(self, value: InputValue, what: str) -> None:
        if is_required(value):
            message = f'"{value.coordinate}" is @inaccessible, but a required {what}.'
            self._error("REQUIRED_INACCESSIBLE", value.coordinate, message)

    def _check_default_users(self, coordinate: str) -> None:
        for user in self.default_users[coordinate]:
            message = f'"{coordinate}" is @inaccessible, but in the default value of the visible "{user}".'
            self._error("DEFAULT_VALUE_USES_INACCESSIBLE", coordinate, message)

    def _check_directive(self, directive: DirectiveDefinition) -> None:
        arguments: list[Element] = list(directive.arguments.values())
        if self.context.links.directive_origin(directive.name) is not None:
            self._refuse(directive.coordinate, arguments, "an element of a linked feature")
        elif not set(directive.locations) <= EXECUTABLE_LOCATIONS:
            self._refuse(directive.coordinate, arguments, "a directive on schemas")
        else:
            for argument in directive.arguments.values():
                if self.is_hidden(argument):
                    self._check_hidden_input(argument, f'argument of "{directive.coordinate}"')

    def _error(self, code: str, coordinate: str, message: str) -> None:
        """Points to where the subgraphs hide the element or its parts."""
        name = coordinate.partition(".")[0]
        places = [
            self.context.place(index, use.node)
            for index, type_ in self.context.types_by_name.get(name, {}).items()
            for element in elements_of(type_)
            if element.coordinate.startswith(coordinate)
            and (use := self.context.subgraphs[index].applied(element, "inaccessible"))
        ]
        self.context.report.error(code, message, places=places)
