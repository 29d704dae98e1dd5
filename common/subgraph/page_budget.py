"""How many objects an operation may ask of one subgraph through pages within pages.

Each page is bounded, but pages multiply: a hundred products, a hundred of the category of each, and so on once more are
a million rows in a line of text. The estimate takes every page as full, before anything is fetched. Source of the idea:
the static cost analysis of Saleor and of IBM's cost directive specification; here only the sizes of pages count.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)
from strawberry.extensions import SchemaExtension

from common.errors import BadInputError
from common.lru import LruMap
from common.subgraph.errors import present

#: objects per request, all pages full
MAX_OBJECTS = 20_000
#: fields with pages in one operation
MAX_PAGES = 500
_PAGE_ARGUMENTS = ("first", "last")
_DEFAULT_PAGE_SIZE = 20
_REPRESENTATIONS = "representations"


class CostExceededError(BadInputError):
    code = "COST_EXCEEDED"


@dataclass(frozen=True, slots=True)
class Size:
    """Of one page, or of the list of representations: given in the text, or by a variable."""

    given: int | None
    variables: tuple[tuple[str, int | None], ...] = ()  #: names with the operation's defaults

    def of(self, variables: Mapping[str, Any]) -> int:
        sizes = [self.given] if self.given is not None else []
        for name, default in self.variables:
            value = variables.get(name, default)
            sizes += [len(value)] if isinstance(value, list) else [value] if isinstance(value, int) else []
        return max(0, *sizes) if sizes else _DEFAULT_PAGE_SIZE


#: for each field with pages: the sizes of the pages around it, and its own
Pages = Sequence[tuple[Size, ...]]


def objects_asked(pages: Pages, variables: Mapping[str, Any]) -> int:
    return sum(math.prod(size.of(variables) for size in sizes) for sizes in pages)


def pages_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Pages:
    """For a validated document. Raises CostExceededError when there are too many to look at."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    root = schema.get_root_type(operation.operation)
    defaults = {
        variable.variable.name.value: int(variable.default_value.value)
        for variable in operation.variable_definitions or ()
        if isinstance(variable.default_value, IntValueNode)
    }
    found: list[tuple[Size, ...]] = []
    for sizes in _walk(schema, operation.selection_set, root, (), fragments, defaults):
        found.append(sizes)
        if len(found) > MAX_PAGES:
            raise CostExceededError(f"The operation has more than {MAX_PAGES} pages; ask for less at once.")
    return found


def _walk(
    schema: GraphQLSchema,
    selection_set: SelectionSetNode,
    parent: GraphQLNamedType | None,
    around: tuple[Size, ...],
    fragments: Mapping[str, FragmentDefinitionNode],
    defaults: Mapping[str, int],
) -> Iterator[tuple[Size, ...]]:
    for selection in selection_set.selections:
        match selection:
            case FieldNode():
                field = getattr(parent, "fields", {}).get(selection.name.value)
                if field is None or selection.selection_set is None:
                    continue
                size = _size(selection, field, defaults)
                inside = around if size is None else (*around, size)
                if size is not None:
                    yield inside
                output = get_named_type(field.type)
                yield from _walk(schema, selection.selection_set, output, inside, fragments, defaults)
            case InlineFragmentNode():
                condition = selection.type_condition
                on = schema.get_type(condition.name.value) if condition else parent
                yield from _walk(schema, selection.selection_set, on, around, fragments, defaults)
            case FragmentSpreadNode():
                fragment = fragments[selection.name.value]
                on = schema.get_type(fragment.type_condition.name.value)
                yield from _walk(schema, fragment.selection_set, on, around, fragments, defaults)


def _size(node: FieldNode, field: GraphQLField, defaults: Mapping[str, int]) -> Size | None:
    """None for a field without pages."""
    if isinstance(get_named_type(field.type), GraphQLUnionType) and _REPRESENTATIONS in field.args:
        return _given(node, (_REPRESENTATIONS,), {})
    if "first" not in field.args:
        return None
    size = _given(node, _PAGE_ARGUMENTS, defaults)
    if size.given is None and not size.variables:
        default = field.args["first"].default_value
        return Size(default if isinstance(default, int) else None)
    return size


def _given(node: FieldNode, names: Sequence[str], defaults: Mapping[str, int]) -> Size:
    sizes: list[int] = []
    variables: list[tuple[str, int | None]] = []
    for argument in node.arguments or ():
        if argument.name.value not in names:
            continue
        if isinstance(argument.value, IntValueNode):
            sizes.append(int(argument.value.value))
        elif isinstance(argument.value, VariableNode):
            name = argument.value.name.value
            variables.append((name, defaults.get(name)))
    return Size(max(sizes, default=None), tuple(variables))


class PageBudget(SchemaExtension):
    """Refuses an operation over the budget before it is executed."""

    def __init__(self, known: LruMap[tuple[str, str | None], Pages]) -> None:
        self._known = known

    def on_execute(self) -> Iterator[None]:
        try:
            self._check()
        except CostExceededError as exc:
            # the operation ends before `MaskUnexpected` sees it, so the error gets its code here
            raise present(GraphQLError(str(exc), original_error=exc)) from exc
        yield

    def _check(self) -> None:
        context = self.execution_context
        document, query = context.graphql_document, context.query
        if document is None or query is None:
            return
        key = (query, context.operation_name)
        pages = self._known.get(key)
        if pages is None:
            operation = _operation(document, context.operation_name)
            pages = pages_of(context.schema._schema, document, operation)
            self._known.put(key, pages)
        if pages and (count := objects_asked(pages, context.variables or {})) > MAX_OBJECTS:
            raise CostExceededError(
                f"The operation asks for up to {count} objects, and {MAX_OBJECTS} are allowed:"
                " ask for smaller pages, or for fewer pages within pages."
            )


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return next(d for d in operations if name is None or (d.name is not None and d.name.value == name))
