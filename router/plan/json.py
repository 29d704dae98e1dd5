"""Plans as JSON, in the form of Apollo Router (`src/query_planner/plan.rs`, `fetch.rs`): `kind` and camel-case names.

What Apollo's form does not have is added under names of its own: `dependsOn`, and the kind `BatchFetch`.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from typing import Any, assert_never

from router.plan.nodes import (
    BatchFetch,
    Condition,
    ContextRewrite,
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
    Rewrite,
    Sequence,
    SetValue,
    Subscription,
)

JsonObject = dict[str, Any]


def plan_to_json(plan: QueryPlan) -> JsonObject:
    """`{"kind": "QueryPlan", "node": …}`; `node` is null when no subgraph is needed."""
    return {"kind": "QueryPlan", "node": None if plan.node is None else _node(plan.node)}


def _node(node: PlanNode) -> JsonObject:
    match node:
        case Fetch():
            return _fetch(node)
        case BatchFetch():
            return _batch(node)
        case Flatten():
            return {"kind": "Flatten", "path": _path(node.path), "node": _node(node.node)}
        case Sequence() | Parallel():
            return {"kind": type(node).__name__, "nodes": [_node(n) for n in node.nodes]}
        case Condition():
            clauses = {"ifClause": node.if_clause, "elseClause": node.else_clause}
            present = {name: _node(clause) for name, clause in clauses.items() if clause is not None}
            return {"kind": "Condition", "condition": node.variable, **present}
        case Subscription():
            rest = None if node.rest is None else _node(node.rest)
            return {"kind": "Subscription", "primary": _fetch(node.primary), "rest": rest}
        case Defer():
            return {
                "kind": "Defer",
                "primary": {"node": None if node.primary is None else _node(node.primary)},
                "deferred": [
                    {
                        "depends": [{"id": str(number)} for number in part.depends_on],
                        "label": part.label,
                        "queryPath": _path(part.path),
                        "node": None if part.node is None else _node(part.node),
                    }
                    for part in node.deferred
                ],
            }
        case _:
            assert_never(node)


def _fetch(node: Fetch) -> JsonObject:
    return {
        "kind": "Fetch",
        "serviceName": node.service,
        "requires": _required(node.requires),
        "variableUsages": list(node.variables),
        "operation": node.operation,
        "operationName": node.operation_name,
        "operationKind": node.kind.value,
        "id": str(node.id),
        "dependsOn": [str(number) for number in node.depends_on],
        "inputRewrites": _rewrites(node.input_rewrites),
        "outputRewrites": _rewrites(node.output_rewrites),
        "contextRewrites": [_context_rewrite(r) for r in node.context_rewrites] or None,
    }


def _batch(node: BatchFetch) -> JsonObject:
    return {
        "kind": "BatchFetch",
        "serviceName": node.service,
        "variableUsages": list(node.variables),
        "operation": node.operation,
        "operationName": node.operation_name,
        "operationKind": "query",
        "id": str(node.id),
        "dependsOn": [str(number) for number in node.depends_on],
        "entries": [_entry(entry) for entry in node.entries],
    }


def _entry(entry: EntityBatch) -> JsonObject:
    return {
        "alias": entry.alias,
        "representationsVariable": entry.variable,
        "paths": [_path(path) for path in entry.paths],
        "requires": _required(entry.requires),
        "inputRewrites": _rewrites(entry.input_rewrites),
        "outputRewrites": _rewrites(entry.output_rewrites),
        "includeIf": entry.include_if,
    }


def _required(selections: SequenceOf[RequiredSelection]) -> list[JsonObject]:
    found: list[JsonObject] = []
    for selection in selections:
        if isinstance(selection, RequiredField):
            # Apollo's form: the alias is the key to read, the name is the key to send
            alias = {} if selection.source_key == selection.name else {"alias": selection.source_key}
            item: JsonObject = {"kind": "Field", **alias, "name": selection.name}
            if selection.selections:
                item["selections"] = _required(selection.selections)
        else:
            item = {
                "kind": "InlineFragment",
                "typeCondition": selection.type_condition,
                "selections": _required(selection.selections),
            }
        found.append(item)
    return found


def _path(path: FlattenPath) -> list[str]:
    """`["products", "@", "seller|[Shop]"]`."""
    found: list[str] = []
    for step in path:
        match step:
            case Key(name):
                found.append(name)
            case EachItem():
                found.append("@")
            case OnTypes(names):
                condition = f"|[{'|'.join(names)}]"
                if found:
                    found[-1] += condition
                else:
                    found.append(condition)
            case _:
                assert_never(step)
    return found


def _rewrites(rewrites: SequenceOf[Rewrite]) -> list[JsonObject] | None:
    found: list[JsonObject] = []
    for rewrite in rewrites:
        path = _rewrite_path(rewrite.path)
        if isinstance(rewrite, SetValue):
            found.append({"kind": "ValueSetter", "path": path, "setValueTo": rewrite.value})
        else:
            found.append({"kind": "KeyRenamer", "path": path, "renameKeyTo": rewrite.key})
    return found or None


def _rewrite_path(path: FlattenPath) -> list[str]:
    """Types are steps of their own here, and lists are not steps: `["... on Book", "__typename"]`."""
    found: list[str] = []
    for step in path:
        match step:
            case Key(name):
                found.append(name)
            case OnTypes(names):
                found.append(f"... on {'|'.join(names)}")
            case EachItem():
                pass
            case _:
                assert_never(step)
    return found


def _context_rewrite(rewrite: ContextRewrite) -> JsonObject:
    path = [".."] * rewrite.up + _rewrite_path(rewrite.path)
    return {"kind": "KeyRenamer", "path": path, "renameKeyTo": rewrite.variable}
