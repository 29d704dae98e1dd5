"""Can fields of one response key be merged? The specification's rule, in time linear in the operation for real ones.

The rule as written compares every pair of equal keys, and all pairs below them again: 300 repetitions of a field with
two levels below it take a third of a second in graphql-core, which gives up on them. This is Simon Adameit's way (used
in Sangria): walk all sets of fields that will be merged together at once. Fields of one key must have one output shape;
those whose parents can be the same object must also be the same field with the same arguments.

Fields of object types never meet fields of other object types, but fields of interfaces meet all: such groups repeat
the interface's fields per object type. A budget bounds that; real operations stay under a thousandth of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    print_ast,
)
from graphql.language import ObjectValueNode, ValueNode

from router.errors import GRAPHQL_VALIDATION_FAILED, MAX_SELECTIONS_LIMIT, ResponseError

_BUDGET = 200_000  #: fields looked at per operation


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    node: FieldNode
    parent: GraphQLNamedType
    output: GraphQLOutputType
    same: str  #: equal exactly for fields of the same name with the same arguments


class _SpentError(Exception):
    """The budget is used up."""


def find_conflict(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    schema: GraphQLSchema,
) -> ResponseError | None:
    """The first conflict of a document which is valid by all other rules, or None."""
    root = schema.get_root_type(operation.operation)
    if root is None:
        return None
    walk = _Walk(schema, fragments)
    try:
        fields = walk.collect([(operation.selection_set, root)])
        return walk.shapes(fields) or walk.merges(fields)
    except _SpentError:
        return ResponseError(MAX_SELECTIONS_LIMIT, "The operation repeats too many fields to check how they merge.")


class _Walk:
    """One check of one operation: its schema, its fragments, and what is left of the budget."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments
        self._left = _BUDGET
        self._same: dict[int, str] = {}  # by id of the field node; the document outlives the walk

    def collect(self, sources: Iterable[tuple[SelectionSetNode, GraphQLNamedType]]) -> dict[str, list[_Field]]:
        """Fields of merged selection sets by response key, through fragments, each fragment once per type."""
        by_key: dict[str, list[_Field]] = {}
        seen: set[tuple[int, str]] = set()
        pending = list(sources)
        while pending:
            selection_set, parent = pending.pop()
            if (id(selection_set), parent.name) in seen:
                continue
            seen.add((id(selection_set), parent.name))
            for selection in selection_set.selections:
                self._spend()
                if isinstance(selection, FieldNode):
                    field = self._field(selection, parent)
                    if field:
                        key = selection.alias.value if selection.alias else selection.name.value
                        by_key.setdefault(key, []).append(field)
                elif isinstance(selection, InlineFragmentNode):
                    narrowed = selection.type_condition
                    inner = self._schema.type_map[narrowed.name.value] if narrowed else parent
                    pending.append((selection.selection_set, inner))
                elif isinstance(selection, FragmentSpreadNode):
                    fragment = self._fragments[selection.name.value]
                    inner = self._schema.type_map[fragment.type_condition.name.value]
                    pending.append((fragment.selection_set, inner))
        return by_key

    def shapes(self, by_key: Mapping[str, list[_Field]]) -> ResponseError | None:
        """SameResponseShape, for all fields of a key whatever their parents."""
        for key, fields in by_key.items():
            first = fields[0]
            for other in fields[1:]:
                if not _same_shape(first.output, other.output):
                    reason = f"they return conflicting types '{first.output}' and '{other.output}'"
                    return _conflict(key, reason, first, other)
            if conflict := self.shapes(self._children(fields)):
                return conflict
        return None

    def merges(self, by_key: Mapping[str, list[_Field]]) -> ResponseError | None:
        """FieldsInSetCanMerge, for fields whose parents can be the same object."""
        for key, fields in by_key.items():
            for group in _meeting(fields):
                first = group[0]
                for other in group[1:]:
                    if first.same != other.same:
                        if first.node.name.value != other.node.name.value:
                            names = f"'{first.node.name.value}' and '{other.node.name.value}'"
                            return _conflict(key, f"{names} are different fields", first, other)
                        return _conflict(key, "they have differing arguments", first, other)
                if conflict := self.merges(self._children(group)):
                    return conflict
        return None

    def _children(self, fields: Iterable[_Field]) -> dict[str, list[_Field]]:
        return self.collect(
            (field.node.selection_set, get_named_type(field.output)) for field in fields if field.node.selection_set
        )

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> _Field | None:
        definition = self._schema.get_field(parent, node.name.value) if is_composite_type(parent) else None
        if definition is None:  # other rules report it
            return None
        same = self._same.get(id(node))
        if same is None:
            same = self._same[id(node)] = _identity(node)
        return _Field(node, parent, definition.type, same)

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _SpentError


def _meeting(fields: list[_Field]) -> Iterator[list[_Field]]:
    """Groups of fields which can be selected on the same object."""
    if len(fields) == 1:
        yield fields
        return
    everywhere = [field for field in fields if not isinstance(field.parent, GraphQLObjectType)]
    by_object: dict[str, list[_Field]] = {}
    for field in fields:
        if isinstance(field.parent, GraphQLObjectType):
            by_object.setdefault(field.parent.name, []).append(field)
    if not by_object:
        yield everywhere
    for group in by_object.values():
        yield [*everywhere, *group] if everywhere else group


def _identity(node: FieldNode) -> str:
    if not node.arguments:
        return node.name.value
    arguments = sorted(f"{argument.name.value}:{_print_value(argument.value)}" for argument in node.arguments)
    return f"{node.name.value}({','.join(arguments)})"


def _print_value(value: ValueNode) -> str:
    """Print a value so that equal values print equally: input object fields have no order."""
    if isinstance(value, ObjectValueNode):
        return "{" + ",".join(sorted(f"{f.name.value}:{_print_value(f.value)}" for f in value.fields)) + "}"
    return print_ast(value)


def _same_shape(a: GraphQLOutputType, b: GraphQLOutputType) -> bool:
    if a is b:
        return True
    if is_non_null_type(a) or is_non_null_type(b):
        return is_non_null_type(a) and is_non_null_type(b) and _same_shape(a.of_type, b.of_type)
    if is_list_type(a) or is_list_type(b):
        return is_list_type(a) and is_list_type(b) and _same_shape(a.of_type, b.of_type)
    return not (is_leaf_type(a) or is_leaf_type(b))


def _conflict(key: str, reason: str, first: _Field, other: _Field) -> ResponseError:
    places = tuple(
        (node.loc.start_token.line, node.loc.start_token.column) for node in (first.node, other.node) if node.loc
    )
    message = (
        f"Fields '{key}' conflict because {reason}."
        " Use different aliases on the fields to fetch both if this was intentional."
    )
    return ResponseError(GRAPHQL_VALIDATION_FAILED, message, places)
