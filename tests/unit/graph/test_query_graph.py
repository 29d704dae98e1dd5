"""The query graph: what can be resolved where, and how to get from one subgraph to another."""

from __future__ import annotations

import pytest

from router.graph import Node, NodeKind, QueryGraph, build_query_graph
from router.operation.model import Field
from router.supergraph import InvalidSupergraphError
from tests.kit.supergraphs import load

SUPERGRAPH = load(
    "a b c",
    """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) {
  user: User @join__field(graph: A, provides: "name address { city }")
  media: Media @join__field(graph: A)
}
type User
  @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: B, key: "email")
  @join__type(graph: C, key: "id", resolvable: false) {
  id: ID!
  email: String @join__field(graph: B)
  name: String @join__field(graph: A, external: true) @join__field(graph: B)
  address: Address @join__field(graph: A, external: true) @join__field(graph: B)
  rank: Int @join__field(graph: B, requires: "name")
  age: Int @join__field(graph: A, overrideLabel: "moved")
    @join__field(graph: B, override: "a", overrideLabel: "moved")
}
type Address @join__type(graph: A) @join__type(graph: B) {
  city: String @join__field(graph: A, external: true) @join__field(graph: B)
}
interface Media @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true) {
  id: ID!
  title: String @join__field(graph: A)
  score: Int @join__field(graph: B)
}
type Book implements Media @join__implements(graph: A, interface: "Media") @join__type(graph: A, key: "id") {
  id: ID! title: String score: Int @join__field
}
type Film implements Media @join__implements(graph: A, interface: "Media")
  @join__type(graph: A, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  title: String @join__field(graph: A, external: true) @join__field(graph: C)
  score: Int @join__field
}
""",
)


def moves_of(graph: QueryGraph, node: Node) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (repr(move.target), move.representation_type, tuple(s.name for s in move.key if isinstance(s, Field)))
        for move in graph.entity_moves(node)
    ]


def fields_of(graph: QueryGraph, node: Node) -> list[str]:
    return sorted(name for name in graph.types[node.type_name].fields if node.move(name))


def target_of(node: Node, name: str) -> Node:
    move = node.move(name)
    assert move is not None
    assert move.target is not None
    return move.target


def test_an_explored_graph_has_the_moves_of_one_whose_nodes_come_on_demand() -> None:
    explored, lazy = build_query_graph(SUPERGRAPH), build_query_graph(SUPERGRAPH)
    explored.explore()
    names = [(info.name, subgraph) for info in lazy.types.values() for subgraph in info.by_subgraph if info.fields]
    assert names
    for name, subgraph in reversed(names):
        ours, theirs = explored.node(name, subgraph), lazy.node(name, subgraph)
        assert fields_of(explored, ours) == fields_of(lazy, theirs)
        assert moves_of(explored, ours) == moves_of(lazy, theirs)
        assert ours.possible == theirs.possible


def test_external_fields_are_not_resolvable() -> None:
    graph = build_query_graph(SUPERGRAPH)
    assert fields_of(graph, graph.node("User", "a")) == ["age", "id"]
    assert fields_of(graph, graph.node("User", "b")) == ["address", "email", "id", "name", "rank"]


def test_a_label_decides_which_side_of_an_override_has_the_field() -> None:
    graph = build_query_graph(SUPERGRAPH, frozenset({"moved"}))
    assert graph.node("User", "a").move("age") is None
    assert graph.node("User", "b").move("age") is not None


def test_provided_fields_are_there_on_the_way_that_provides_them() -> None:
    graph = build_query_graph(SUPERGRAPH)
    user = target_of(graph.node("Query", "a"), "user")
    assert user is not graph.node("User", "a")
    assert fields_of(graph, user) == ["address", "age", "id", "name"]
    assert fields_of(graph, target_of(user, "address")) == ["city"]


def test_an_entity_move_leads_to_every_subgraph_that_resolves_a_key() -> None:
    graph = build_query_graph(SUPERGRAPH)
    assert moves_of(graph, graph.node("User", "a")) == [
        ("User/a", "User", ("id",)),
        ("User/b", "User", ("id",)),
        ("User/b", "User", ("email",)),
    ]


def test_an_object_enters_an_interface_object_under_the_name_of_the_interface() -> None:
    graph = build_query_graph(SUPERGRAPH)
    assert moves_of(graph, graph.node("Book", "a")) == [
        ("Book/a", "Book", ("id",)),
        ("Media/b", "Media", ("id",)),
    ]


def test_an_interface_object_is_left_towards_the_real_interface() -> None:
    graph = build_query_graph(SUPERGRAPH)
    node = graph.node("Media", "b")
    assert node.kind is NodeKind.INTERFACE_OBJECT
    assert moves_of(graph, node) == [("Media/a", "Media", ("id",)), ("Media/b", "Media", ("id",))]


def test_an_interface_field_is_direct_where_all_objects_resolve_it() -> None:
    node = build_query_graph(SUPERGRAPH).node("Media", "a")
    assert node.possible == ("Book", "Film")
    assert [name for name in ("id", "score", "title") if node.is_direct(name)] == ["id"]


def test_a_requirement_stays_a_condition_of_its_field() -> None:
    move = build_query_graph(SUPERGRAPH).node("User", "b").move("rank")
    assert move is not None
    assert [s.name for s in move.requires if isinstance(s, Field)] == ["name"]


def test_a_field_set_with_an_unknown_field_is_refused() -> None:
    graph = build_query_graph(SUPERGRAPH)
    with pytest.raises(InvalidSupergraphError, match=r"User\.boss"):
        graph.field_set("User", "boss { id }", "a")


def test_a_broken_context_selection_is_found_when_the_graph_is_built() -> None:
    shops = load(
        "a",
        """
        type Query @join__type(graph: A) { shop: Shop }
        type Shop @join__type(graph: A) @context(name: "a__shop") { currency: String item: Item }
        type Item @join__type(graph: A, key: "id") {
          id: ID!
          price: String @join__field(graph: A, contextArguments: [
            {context: "a__shop", name: "currency", type: "String", selection: "{ coin }"}
          ])
        }
        """,
    )
    with pytest.raises(InvalidSupergraphError, match=r"Shop\.coin"):
        build_query_graph(shops)
