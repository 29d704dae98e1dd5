"""The client's operation -> the shape of its answer, for one assignment of the `@skip`/`@include` variables.

A shape is what `CollectFields` of the specification (6.3.2) gives, done before there is data: for an object of a known
type the response keys in order, each with its field's type and, below it, the selections of the next level. Which
type an interface or union has is only known at run time, so those shapes are made when a type is first met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
)

from router.operation.model import Field, Guard, InlineFragment, Selection

Guards: TypeAlias = Mapping[str, bool]  #: values of the variables that guards name

RuntimeType: TypeAlias = GraphQLObjectType | GraphQLInterfaceType

INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})


class Source(Enum):
    DATA = auto()  #: the merged data of the subgraphs
    TYPENAME = auto()
    INTROSPECTION = auto()


@dataclass(frozen=True, slots=True)
class FieldShape:
    response_key: str
    name: str
    type: GraphQLOutputType
    source: Source
    below: Below | None  #: None for leaves and introspection


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """The selection on one object type; or on an interface, for objects of which only an interface object is known,
    so that no type condition below the interface can hold."""

    type_name: str
    is_concrete: bool
    fields: tuple[FieldShape, ...]


@dataclass(frozen=True, slots=True)
class Below:
    """The selections under a field that gives objects: a shape for each runtime type, made when it is first needed, so
    that nothing here goes as deep as the operation does."""

    type: GraphQLObjectType | GraphQLAbstractType
    selections: tuple[Selection, ...]
    builder: ShapeBuilder
    known: dict[str, ObjectShape] = field(default_factory=dict)

    @property
    def only_type(self) -> str | None:
        """An object type, or the one possible type of an abstract one. Data may then lack `__typename`."""
        if isinstance(self.type, GraphQLObjectType):
            return self.type.name
        possible = self.builder.schema.get_possible_types(self.type)
        return possible[0].name if len(possible) == 1 else None

    def on(self, type_name: object) -> ObjectShape | None:
        """The shape of an object with this `__typename` (None: it was not asked for); None when clients may not see
        objects of that type here."""
        if isinstance(self.type, GraphQLObjectType):
            type_name = self.type.name
        elif type_name is None:
            type_name = self.only_type or self.type.name
        if not isinstance(type_name, str):
            return None
        shape = self.known.get(type_name)
        if shape is None and (runtime := self._runtime(type_name)) is not None:
            shape = self.known[type_name] = self.builder.object_shape(runtime, self.selections)
        return shape

    def _runtime(self, type_name: str) -> RuntimeType | None:
        schema = self.builder.schema
        runtime = schema.type_map.get(type_name)
        if not isinstance(runtime, GraphQLObjectType | GraphQLInterfaceType):
            return None
        if runtime is self.type or (is_abstract_type(self.type) and schema.is_sub_type(self.type, runtime)):
            return runtime
        return None


class ShapeBuilder:
    def __init__(self, schema: GraphQLSchema, guards: Guards) -> None:
        self.schema = schema
        self._guards = guards

    def object_shape(self, parent: RuntimeType, selections: Sequence[Selection]) -> ObjectShape:
        collected: dict[str, list[Field]] = {}
        self._collect(parent, selections, collected)
        fields = tuple(self._field(parent, fields) for fields in collected.values())
        return ObjectShape(parent.name, isinstance(parent, GraphQLObjectType), fields)

    def _collect(self, parent: RuntimeType, selections: Sequence[Selection], collected: dict[str, list[Field]]) -> None:
        for selection in selections:
            if not self._holds(selection.guards):
                continue
            match selection:
                case Field():
                    collected.setdefault(selection.response_key, []).append(selection)
                case InlineFragment():
                    if self._applies(selection.type_condition, parent):
                        self._collect(parent, selection.selections, collected)

    def _holds(self, guards: Sequence[Guard]) -> bool:
        return all(self._guards[guard.variable] == guard.expected for guard in guards)

    def _applies(self, type_condition: str, runtime: RuntimeType) -> bool:
        if type_condition == runtime.name:
            return True
        condition = self.schema.type_map.get(type_condition)
        if not is_abstract_type(condition):
            return False
        if isinstance(runtime, GraphQLInterfaceType):
            # the type was not asked for, since whichever it is the condition holds: also that of a union
            possible = frozenset(self.schema.get_possible_types(condition))
            return possible.issuperset(self.schema.get_possible_types(runtime))
        return self.schema.is_sub_type(condition, runtime)

    def _declared(self, field: Field) -> GraphQLField | None:
        declaring = self.schema.type_map.get(field.parent_type)
        return declaring.fields.get(field.name) if isinstance(declaring, GraphQLInterfaceType) else None

    def _field(self, parent: RuntimeType, fields: Sequence[Field]) -> FieldShape:
        first = fields[0]
        # on an interface whose types all have it by another one
        definition = self.schema.get_field(parent, first.name) or self._declared(first)
        if definition is None:
            raise LookupError(f"{parent.name}.{first.name} is not in the API schema")
        if first.name == "__typename":
            return FieldShape(first.response_key, first.name, definition.type, Source.TYPENAME, None)
        if first.name in INTROSPECTION_FIELDS:
            return FieldShape(first.response_key, first.name, definition.type, Source.INTROSPECTION, None)
        named = get_named_type(definition.type)
        below: Below | None = None
        if isinstance(named, GraphQLObjectType) or is_abstract_type(named):
            below = Below(named, tuple(s for one in fields for s in one.selections), self)
        return FieldShape(first.response_key, first.name, definition.type, Source.DATA, below)


def guard_variables(selections: Sequence[Selection]) -> tuple[str, ...]:
    """Names of the variables that guards anywhere in the operation look at, in order of first use."""
    found: dict[str, None] = {}
    stack = list(reversed(selections))
    while stack:
        selection = stack.pop()
        found.update((guard.variable, None) for guard in selection.guards)
        stack.extend(reversed(selection.selections))
    return tuple(found)
