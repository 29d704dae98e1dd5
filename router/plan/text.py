"""Plans as text, in the form Apollo Router prints (`apollo-federation/src/query_plan/display.rs`).

BatchFetch, which Apollo does not have, is printed as Hive Router prints it: representations first, then the document.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as SequenceOf
from typing import assert_never

from graphql import FieldNode, OperationDefinitionNode, SelectionSetNode, parse, print_ast

from router.plan.nodes import (
    BatchFetch,
    Condition,
    Defer,
    EachItem,
    EntityBatch,
    Fetch,
    Flatten,
    FlattenPath,
    Key,
    OnTypes,
    Parallel,
    PlanNode,
    QueryPlan,
    RequiredField,
    RequiredSelection,
    Sequence,
    Subscription,
)


def print_plan(plan: QueryPlan) -> str:
    """`QueryPlan { … }`, without a newline at the end."""
    if plan.node is None:
        return "QueryPlan {}"
    return "\n".join(["QueryPlan {", *_indent(_node(plan.node)), "}"])


def print_path(path: FlattenPath) -> str:
    """`products.@.seller|[Shop]`."""
    text = ""
    for step in path:
        match step:
            case Key(name):
                text += f".{name}" if text else name
            case EachItem():
                text += ".@" if text else "@"
            case OnTypes(names):
                text += f"|[{'|'.join(names)}]"
            case _:
                assert_never(step)
    return text


def _indent(lines: Iterable[str]) -> list[str]:
    return ["  " + line for line in lines]


def _block(head: str, nodes: SequenceOf[PlanNode]) -> list[str]:
    return [head + " {", *_indent(line for node in nodes for line in _node(node)), "},"]


def _node(node: PlanNode) -> list[str]:
    match node:
        case Fetch():
            return _fetch(node)
        case BatchFetch():
            return _batch(node)
        case Flatten():
            return _block(f'Flatten(path: "{print_path(node.path)}")', [node.node])
        case Sequence():
            return _block("Sequence", node.nodes)
        case Parallel():
            return _block("Parallel", node.nodes)
        case Condition():
            return _condition(node)
        case Subscription():
            rest = [] if node.rest is None else _block("Rest:", [node.rest])
            return ["Subscription {", *_indent([*_block("Primary:", [node.primary]), *rest]), "},"]
        case Defer():
            return _defer(node)
        case _:
            assert_never(node)


def _condition(node: Condition) -> list[str]:
    if node.if_clause is not None and node.else_clause is not None:
        clauses = [*_block("Then", [node.if_clause]), *_block("Else", [node.else_clause])]
        return [f"Condition(if: ${node.variable}) {{", *_indent(clauses), "},"]
    if node.if_clause is not None:
        return _block(f"Include(if: ${node.variable})", [node.if_clause])
    return _block(f"Skip(if: ${node.variable})", [node.else_clause] if node.else_clause else [])


def _defer(node: Defer) -> list[str]:
    lines = _block("Primary", [node.primary] if node.primary else [])
    for part in node.deferred:
        label = f', label: "{part.label}"' if part.label else ""
        depends = f"depends: {list(part.depends_on)}, " if part.depends_on else ""
        head = f'Deferred({depends}path: "{print_path(part.path)}"{label})'
        lines.extend(_block(head, [part.node] if part.node else []))
    return ["Defer {", *_indent(lines), "},"]


def _fetch(node: Fetch) -> list[str]:
    lines: list[str] = []
    if node.requires:
        lines = ["{", *_indent(_required(node.requires)), "} =>"]
    lines.extend(_document(node.operation))
    return [f'Fetch(service: "{node.service}") {{', *_indent(lines), "},"]


def _batch(node: BatchFetch) -> list[str]:
    entries = [line for entry in node.entries for line in _entry(entry)]
    return [
        f'BatchFetch(service: "{node.service}") {{',
        *_indent(["{", *_indent(entries), "} =>", *_document(node.operation)]),
        "},",
    ]


def _entry(entry: EntityBatch) -> list[str]:
    paths = ", ".join(f'"{print_path(path)}"' for path in entry.paths)
    guard = f", include: ${entry.include_if}" if entry.include_if else ""
    return [f"{entry.alias}(paths: [{paths}]{guard}) {{", *_indent(_required(entry.requires)), "}"]


def _required(selections: SequenceOf[RequiredSelection]) -> list[str]:
    lines: list[str] = []
    for selection in selections:
        if isinstance(selection, RequiredField):
            has_own_key = selection.name != selection.source_key
            head = f"{selection.name}: {selection.source_key}" if has_own_key else selection.name
        else:
            head = f"... on {selection.type_condition}"
        if selection.selections:
            lines.extend([head + " {", *_indent(_required(selection.selections)), "}"])
        else:
            lines.append(head)
    return lines


def _document(operation: str) -> list[str]:
    """The selections of a document; of an entity fetch, those below `_entities`."""
    definition, *fragments = parse(operation, no_location=True).definitions
    if not isinstance(definition, OperationDefinitionNode):
        return operation.splitlines()
    selection_set: SelectionSetNode = definition.selection_set
    first = selection_set.selections[0]
    is_entities = isinstance(first, FieldNode) and first.name.value == "_entities" and first.alias is None
    if is_entities and isinstance(first, FieldNode) and first.selection_set is not None:
        selection_set = first.selection_set
    lines = print_ast(selection_set).splitlines()
    for fragment in fragments:
        lines.extend(("", *print_ast(fragment).splitlines()))
    return lines
