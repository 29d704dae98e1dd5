"""Small supergraphs and plans for tests: the SDL without its boilerplate, the plan as text, proved sound."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from graphql import parse, validate

from router.operation.model import Operation
from router.operation.normalize import normalize_operation
from router.plan.nodes import BatchFetch, Fetch, FlattenPath, QueryPlan, RequiredFragment, RequiredSelection
from router.plan.text import print_path, print_plan
from router.plan.walk import walk_fetches
from router.planner import Planner
from router.supergraph import Supergraph, load_supergraph
from tests.kit.plan_checker import check_plan

_HEAD = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
  @link(url: "https://specs.apollo.dev/context/v0.1", for: SECURITY)
{ query: Query %s }
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
scalar join__FieldSet
"""


def supergraph_sdl(subgraphs: str, body: str) -> str:
    """`subgraphs` are names divided by blanks; their values in `join__Graph` are the same in capitals."""
    roots = " ".join(f"{kind.lower()}: {kind}" for kind in ("Mutation", "Subscription") if f"type {kind}" in body)
    values = " ".join(
        f'{name.upper()} @join__graph(name: "{name}", url: "http://{name}/")' for name in subgraphs.split()
    )
    return _HEAD % roots + f"enum join__Graph {{ {values} }}\n{body}"


@lru_cache(maxsize=64)
def load(subgraphs: str, body: str) -> Supergraph:
    return load_supergraph(supergraph_sdl(subgraphs, body))


def plan(supergraph: Supergraph, query: str, *labels: str) -> QueryPlan:
    """Plans a valid operation, and asserts that the plan is sound."""
    operation = normalize(supergraph, query)
    found = Planner(supergraph).plan(operation, frozenset(labels))
    assert check_plan(supergraph, operation, found, labels) == []
    return found


def plan_text(supergraph: Supergraph, query: str, *labels: str) -> str:
    return print_plan(plan(supergraph, query, *labels))


def normalize(supergraph: Supergraph, query: str) -> Operation:
    document = parse(query)
    assert validate(supergraph.api_schema, document) == []
    return normalize_operation(document, supergraph.api_schema)


def plan_lines(supergraph: Supergraph, query: str, *labels: str) -> list[str]:
    """A plan with one line for each fetch: id, subgraph, what it waits for, where its entities are, what it asks."""
    return [_line(path, node) for path, node in walk_fetches(plan(supergraph, query, *labels))]


def _line(path: FlattenPath, node: Fetch | BatchFetch) -> str:
    head = f"{node.id} {node.service}"
    if node.depends_on:
        head += f" after {', '.join(map(str, node.depends_on))}"
    if isinstance(node, BatchFetch):
        for entry in node.entries:
            head += f" | {entry.alias} at {', '.join(map(print_path, entry.paths))} {_inputs(entry.requires)}"
    elif node.requires:
        head += f" at {print_path(path)} {_inputs(node.requires)}"
    body = node.operation
    if isinstance(node, Fetch) and node.requires:
        body = body.partition("(representations:$representations)")[2].removesuffix("}")
    return f"{head}: {body}"


def _inputs(requires: Iterable[RequiredSelection]) -> str:
    parts: list[str] = []
    for item in requires:
        if isinstance(item, RequiredFragment):
            parts.append(f"{item.type_condition}{_inputs(item.selections)}")
        elif item.name != "__typename":
            key = "" if item.source_key == item.name else f":{item.source_key}"
            parts.append(item.name + key + (_inputs(item.selections) if item.selections else ""))
    return "(" + " ".join(parts) + ")"
