"""Subgraphs that know only a part: external keys, interfaces without objects, unions with other members, provided
fields. What may be asked of whom, and whom to ask when several could answer."""

import pytest

from router.operation import DocumentLimits, normalize_operation, parse_document
from router.plan.text import print_plan
from router.planner import Planner, PlanningError
from router.supergraph import Supergraph
from tests.unit.execution.setting import supergraph


def plan(graph: Supergraph, query: str) -> str:
    """The printed plan, on one line."""
    operation = normalize_operation(parse_document(query, DocumentLimits()), graph.api_schema)
    return " ".join(print_plan(Planner(graph).plan(operation)).split())


def entity_with_external_key(extension: str) -> Supergraph:
    return supergraph(f"""
type Query @join__type(graph: A) @join__type(graph: B) {{ item: Item @join__field(graph: A) }}
type Item @join__type(graph: A, key: "id"{extension}) @join__type(graph: B, key: "id") {{
  id: ID! @join__field(graph: A, external: true) @join__field(graph: B)
  name: String @join__field(graph: B)
}}
""")


def test_an_extension_knows_its_external_key() -> None:
    assert 'Flatten(path: "item")' in plan(entity_with_external_key(", extension: true"), "{ item { name } }")


def test_elsewhere_an_external_key_cannot_be_asked_for() -> None:
    with pytest.raises(PlanningError):
        plan(entity_with_external_key(""), "{ item { name } }")


def test_a_field_behind_an_interface_without_objects_has_no_plan() -> None:
    graph = supergraph("""
type Query @join__type(graph: A) @join__type(graph: B) { node: Node @join__field(graph: A) }
interface Node @join__type(graph: A, key: "id")
  @join__type(graph: B, key: "id", resolvable: false, isInterfaceObject: true) {
  id: ID!
  field: String @join__field(graph: B)
}
""")
    assert "id" in plan(graph, "{ node { id } }")
    with pytest.raises(PlanningError):
        plan(graph, "{ node { field } }")


ACTIONS = supergraph("""
type Query @join__type(graph: A) @join__type(graph: B) { root: Box @join__field(graph: A) }
type Box @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID!
  shared: Content
  own: Content @join__field(graph: B)
}
type Content @join__type(graph: A) @join__type(graph: B) { actions: [Action!]! }
union Action @join__type(graph: A) @join__type(graph: B)
  @join__unionMember(graph: A, member: "Common") @join__unionMember(graph: B, member: "Common")
  @join__unionMember(graph: A, member: "OnlyA") @join__unionMember(graph: B, member: "OnlyB") = Common | OnlyA | OnlyB
type Common @join__type(graph: A) @join__type(graph: B) { label: String }
type OnlyA @join__type(graph: A) { a: String }
type OnlyB @join__type(graph: B) { b: String }
""")
EVERY = "actions { __typename ... on Common { label } ... on OnlyA { a } ... on OnlyB { b } }"


def test_of_a_union_that_several_subgraphs_could_give_only_common_members_are_asked_for() -> None:
    assert plan(ACTIONS, f"{{ root {{ shared {{ {EVERY} }} }} }}") == (
        'QueryPlan { Fetch(service: "a") { { root { shared { actions { __typename ... on Common { label } } } } } }, }'
    )


def test_of_a_union_that_one_subgraph_gives_all_its_members_are_asked_for() -> None:
    printed = plan(ACTIONS, f"{{ root {{ own {{ {EVERY} }} }} }}")
    assert "... on Common { label } ... on OnlyB { b }" in printed
    assert "OnlyA" not in printed


def test_of_two_ways_of_equal_length_the_one_with_less_to_look_up_is_taken() -> None:
    graph = supergraph("""
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) {
  pets: [Pet] @join__field(graph: A) @join__field(graph: B, provides: "name")
}
type Pet @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  name: String @join__field(graph: B, external: true) @join__field(graph: C)
  age: Int @join__field(graph: C)
}
""")
    printed = plan(graph, "{ pets { name age } }")
    assert 'Fetch(service: "b") { { pets { __typename name id } } }' in printed
    assert "... on Pet { age }" in printed


def test_a_requirement_under_a_guard_does_not_keep_back_what_is_wanted_without_it() -> None:
    graph = supergraph("""
type Query @join__type(graph: A) @join__type(graph: B) { user: User @join__field(graph: A) }
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID!
  name: String @join__field(graph: A) @join__field(graph: B, external: true)
  greeting: String @join__field(graph: B, requires: "name")
  email: String @join__field(graph: B)
}
""")
    guarded = "query($a: Boolean!) { user @include(if: $a) { greeting } user { email } }"
    apart = plan(graph, guarded)
    assert '_e0(paths: ["user"]) { ... on User { __typename id name } }' in apart
    assert '_e1(paths: ["user"]) { ... on User { __typename id } }' in apart
    together = plan(graph, "{ user { greeting email } }")
    assert "... on User { __typename id name } } => { ... on User { greeting email } }" in together
