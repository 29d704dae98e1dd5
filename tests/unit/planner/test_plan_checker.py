"""The plan checker itself: plans that were spoilt by hand are found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from router.plan.nodes import (
    BatchFetch,
    Condition,
    Fetch,
    Flatten,
    PlanNode,
    QueryPlan,
    RequiredField,
    RequiredFragment,
    Sequence,
)
from router.planner import Planner
from tests.kit.plan_checker import check_plan
from tests.kit.supergraphs import load, normalize

SUPERGRAPH = load(
    "a b c",
    """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { user: User @join__field(graph: A) }
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  name: String @join__field(graph: A) @join__field(graph: B, external: true)
  rank: Int @join__field(graph: C) @join__field(graph: B, external: true)
  title: String @join__field(graph: B, requires: "rank")
}
""",
)
QUERY = "{ user { alias: name title } }"


def spoil(change: Callable[[Fetch], Fetch]) -> list[str]:
    """The sound plan has three fetches after one another; `change` is applied to each."""

    def walk(node: PlanNode) -> PlanNode:
        match node:
            case Sequence():
                return Sequence(tuple(walk(n) for n in node.nodes))
            case Flatten():
                return Flatten(node.path, walk(node.node))
            case Fetch():
                return change(node)
            case _:
                raise TypeError(node)

    operation = normalize(SUPERGRAPH, QUERY)
    plan = Planner(SUPERGRAPH).plan(operation)
    assert plan.node is not None
    return check_plan(SUPERGRAPH, operation, QueryPlan(walk(plan.node)))


def test_the_planners_own_plan_is_sound() -> None:
    assert spoil(lambda fetch: fetch) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: replace(f, operation=f.operation.replace("alias:name", "name")), "nothing brings"),
        (lambda f: replace(f, operation=f.operation.replace("alias:name", "alias:id")), "means ('id', '')"),
        (lambda f: replace(f, operation=f.operation.replace("alias:name", "alias:nam")), "is not valid in a"),
        (lambda f: replace(f, operation=f.operation.replace("{title}", "{title name}")), "cannot resolve User.name"),
        (lambda f: replace(f, operation=f.operation.replace("{rank}", "{id}")), "which nothing brings before"),
        (lambda f: replace(f, depends_on=f.depends_on[:1]), "of fetches [1], but depends on [0]"),
        (lambda f: replace(f, depends_on=(9,)), "depends on fetch 9, which does not come before it"),
        (lambda f: replace(f, variables=("x",)), "declares [] and names ['x']"),
    ],
)
def test_a_spoilt_fetch_is_found_out(change: Callable[[Fetch], Fetch], expected: str) -> None:
    assert any(expected in problem for problem in spoil(change))


def without(name: str) -> Callable[[Fetch], Fetch]:
    def change(fetch: Fetch) -> Fetch:
        kept = tuple(
            RequiredFragment(
                part.type_condition,
                tuple(s for s in part.selections if not isinstance(s, RequiredField) or s.name != name),
            )
            for part in fetch.requires
            if isinstance(part, RequiredFragment)
        )
        return replace(fetch, requires=kept)

    return change


def test_a_representation_needs_a_key_and_all_requirements() -> None:
    assert any("without a key" in problem for problem in spoil(without("id")))
    assert any("User.title requires rank" in problem for problem in spoil(without("rank")))


def test_a_fetch_under_a_condition_the_client_did_not_set_is_found_out() -> None:
    operation = normalize(SUPERGRAPH, "query ($a: Boolean!) { user { name id @include(if: $a) } }")
    plan = Planner(SUPERGRAPH).plan(operation)
    assert plan.node is not None
    problems = check_plan(SUPERGRAPH, operation, QueryPlan(Condition("a", plan.node)))
    assert any("comes only under" in problem for problem in problems)


UNIONS = load(
    "a b",
    """
type Query @join__type(graph: A) @join__type(graph: B) { shared: U alone: U @join__field(graph: A) }
union U @join__type(graph: A) @join__type(graph: B)
  @join__unionMember(graph: A, member: "X") @join__unionMember(graph: A, member: "Y")
  @join__unionMember(graph: B, member: "X") = X | Y
type X @join__type(graph: A) @join__type(graph: B) { child: User @join__field(graph: A) n: Int }
type Y @join__type(graph: A) { child: User }
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID!
  name: String @join__field(graph: A)
  title: String @join__field(graph: B)
}
""",
)


def spoil_text(query: str, old: str, new: str) -> list[str]:
    """The planner's plan with one piece of text in its documents replaced, which must be there."""
    operation = normalize(UNIONS, query)
    plan = Planner(UNIONS).plan(operation)
    assert check_plan(UNIONS, operation, plan) == []
    replaced: list[str] = []

    def walk(node: PlanNode) -> PlanNode:
        match node:
            case Sequence():
                return Sequence(tuple(walk(n) for n in node.nodes))
            case Flatten():
                return Flatten(node.path, walk(node.node))
            case Fetch() | BatchFetch():
                replaced.extend([old] * (old in node.operation))
                return replace(node, operation=node.operation.replace(old, new))
            case _:
                raise TypeError(node)

    assert plan.node is not None
    spoilt = QueryPlan(walk(plan.node))
    assert replaced
    return check_plan(UNIONS, operation, spoilt)


def test_a_member_of_a_union_is_left_out_only_where_another_subgraph_may_give_the_field_without_it() -> None:
    selection = "{ ... on X { child { name } } ... on Y { child { id } } }"
    assert spoil_text(f"{{ alone {selection} }}", "... on Y{child{id}}", "") == [
        "nothing brings query|Query.alone|Y.child"
    ]
    assert spoil_text(f"{{ alone {selection} }}", "... on X{child{name}}", "") != []


def test_objects_that_are_left_out_at_run_time_must_have_everything_already() -> None:
    query = "{ alone { ... on X { child { title } } ... on Y { child { title } } } }"
    problems = spoil_text(query, "... on Y{child{__typename id}}", "... on Y{child{__typename}}")
    assert any("nothing brings" in problem and "Y.child|User.title" in problem for problem in problems)


def test_where_nobody_has_the_inputs_of_a_fetch_none_are_left_out() -> None:
    query = "{ alone { ... on X { child { title } } ... on Y { child { title } } } }"
    problems = spoil_text(query, "child{__typename id}", "child{__typename}")
    assert any("needs User.id, which nothing brings before" in problem for problem in problems)
