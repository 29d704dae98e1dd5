"""Reading a supergraph SDL: links, join metadata, the API schema, the subgraphs' schemas."""

from __future__ import annotations

import pytest
from graphql import print_type

from router.supergraph import InvalidSupergraphError, JoinKey, UnsupportedFeatureError, load_supergraph
from tests.kit.supergraphs import load, supergraph_sdl

BODY = """
type Query @join__type(graph: A) @join__type(graph: B) {
  user: User @join__field(graph: A)
  secret: Secret @join__field(graph: A)
}
type User implements Named
  @join__implements(graph: A, interface: "Named")
  @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", resolvable: false) {
  id: ID!
  name: String @join__field(graph: A, type: "String!") @join__field(graph: B, external: true)
  rank: Int @join__field(graph: B, requires: "name")
  token: String @join__field(graph: A) @inaccessible
}
interface Named @join__type(graph: A) { name: String }
type Secret @join__type(graph: A) @inaccessible { key: String }
enum Role @join__type(graph: A) @join__type(graph: B) {
  STAFF @join__enumValue(graph: A) @join__enumValue(graph: B)
  GUEST @join__enumValue(graph: B)
}
"""


def test_the_api_schema_has_neither_join_elements_nor_what_is_inaccessible() -> None:
    assert load("a b", BODY).api_sdl == (
        "type Query {\n  user: User\n}\n\n"
        "type User implements Named {\n  id: ID!\n  name: String\n  rank: Int\n}\n\n"
        "interface Named {\n  name: String\n}\n\n"
        "enum Role {\n  STAFF\n  GUEST\n}"
    )


def test_a_subgraphs_schema_is_what_the_subgraph_declared() -> None:
    schema = load("a b", BODY).subgraphs["a"].schema
    assert print_type(schema.type_map["User"]) == (
        "type User implements Named {\n  id: ID!\n  name: String!\n  token: String\n}"
    )
    assert print_type(schema.type_map["Role"]) == "enum Role {\n  STAFF\n}"
    assert print_type(schema.type_map["_Entity"]) == "union _Entity = User"


def test_join_directives_are_read_by_subgraph_name() -> None:
    supergraph = load("a b", BODY)
    user = supergraph.types["User"]
    assert {name: joined.keys for name, joined in user.by_subgraph.items()} == {
        "a": (JoinKey("id"),),
        "b": (JoinKey("id", is_resolvable=False),),
    }
    assert user.fields["rank"].by_subgraph["b"].requires == "name"
    assert user.fields["name"].by_subgraph["b"].is_external
    assert supergraph.subgraphs["b"].url == "http://b/"


def test_a_feature_for_security_which_is_unknown_is_refused() -> None:
    sdl = supergraph_sdl("a", "type Query @join__type(graph: A) { a: Int }").replace(
        "{ query: Query", '@link(url: "https://example.com/secrets/v1.0", for: SECURITY) { query: Query', 1
    )
    with pytest.raises(UnsupportedFeatureError, match=r"example\.com/secrets/v1\.0") as caught:
        load_supergraph(sdl)
    assert caught.value.code == "UNSUPPORTED_LINKED_FEATURE"


def test_an_unknown_feature_without_a_purpose_is_ignored() -> None:
    sdl = supergraph_sdl("a", "type Query @join__type(graph: A) { a: Int }").replace(
        "{ query: Query", '@link(url: "https://example.com/notes/v1.0") { query: Query', 1
    )
    assert load_supergraph(sdl).api_sdl == "type Query {\n  a: Int\n}"


def test_a_newer_join_specification_is_refused() -> None:
    sdl = supergraph_sdl("a", "type Query @join__type(graph: A) { a: Int }").replace("join/v0.5", "join/v0.9")
    with pytest.raises(UnsupportedFeatureError):
        load_supergraph(sdl)


def test_features_may_be_renamed() -> None:
    sdl = (
        supergraph_sdl("a", "type Query @join__type(graph: A) { a: Int b: Int @inaccessible }")
        .replace('"https://specs.apollo.dev/join/v0.5"', '"https://specs.apollo.dev/join/v0.5", as: "j"')
        .replace('inaccessible/v0.2"', 'inaccessible/v0.2", as: "hidden"')
        .replace("@inaccessible", "@hidden")
        .replace("join__", "j__")
    )
    assert load_supergraph(sdl).api_sdl == "type Query {\n  a: Int\n}"


def test_an_ordinary_schema_is_no_supergraph() -> None:
    with pytest.raises(InvalidSupergraphError, match="Compose the subgraph schemas first"):
        load_supergraph("type Query { a: Int }")


def test_a_federation_1_supergraph_says_with_owners_where_fields_are() -> None:
    supergraph = load_supergraph("""
        schema @core(feature: "https://specs.apollo.dev/core/v0.1")
          @core(feature: "https://specs.apollo.dev/join/v0.1") { query: Query }
        enum join__Graph { A @join__graph(name: "a", url: "http://a") B @join__graph(name: "b", url: "http://b") }
        type Query { user: User @join__field(graph: A) }
        type User @join__owner(graph: A) @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
          id: ID! @join__field(graph: A)
          name: String
          size: Size @join__field(graph: B)
        }
        type Size { width: Int }
        """)
    user = supergraph.types["User"]
    assert {name: sorted(field.by_subgraph) for name, field in user.fields.items()} == {
        "id": ["a", "b"],
        "name": ["a"],
        "size": ["b"],
    }
    assert sorted(supergraph.types["Size"].by_subgraph) == ["a", "b"]


def test_an_interface_object_is_an_object_type_in_its_subgraph() -> None:
    supergraph = load(
        "a b",
        """
        type Query @join__type(graph: A) { media: Media }
        interface Media @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true) {
          id: ID!
          score: Int @join__field(graph: B)
        }
        type Book implements Media @join__implements(graph: A, interface: "Media") @join__type(graph: A, key: "id") {
          id: ID!
          score: Int @join__field
        }
        """,
    )
    assert print_type(supergraph.subgraphs["b"].schema.type_map["Media"]) == "type Media {\n  id: ID!\n  score: Int\n}"
    assert supergraph.types["Book"].fields["score"].by_subgraph == {}
