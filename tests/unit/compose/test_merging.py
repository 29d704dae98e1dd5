# ruff: noqa: E501 - a schema that fits one line reads better on one line
"""What the supergraph says about types and fields of several subgraphs."""

from __future__ import annotations

import random

import pytest

from router.compose import SubgraphDefinition, compose
from tests.kit.compositions import compose_at, compose_sdl, definition, federation_link


def test_a_field_of_one_subgraph_names_it_and_a_shared_one_needs_no_word() -> None:
    composition = compose_sdl(
        a='type Query { t: T } type T @key(fields: "id") { id: ID! x: Int }',
        b='type T @key(fields: "id") { id: ID! y: Int }',
    )
    assert definition(composition.supergraph_sdl, "T") == (
        'type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id")'
        " { id: ID! x: Int @join__field(graph: A) y: Int @join__field(graph: B) }"
    )


def test_requires_provides_and_external_are_recorded() -> None:
    composition = compose_sdl(
        a='type Query { t: T @provides(fields: "p") } type T @key(fields: "id") { id: ID! p: Int @external'
        ' e: Int @external r: Int @requires(fields: "e") }',
        b='type T @key(fields: "id") { id: ID! p: Int @shareable e: Int }',
    )
    assert definition(composition.supergraph_sdl, "T") == (
        'type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID!'
        " p: Int @join__field(graph: A, external: true) @join__field(graph: B)"
        " e: Int @join__field(graph: A, external: true) @join__field(graph: B)"
        ' r: Int @join__field(graph: A, requires: "e") }'
    )
    assert 't: T @join__field(graph: A, provides: "p")' in definition(composition.supergraph_sdl, "Query")


def test_keys_keep_what_is_special_about_them() -> None:
    composition = compose_sdl(
        a='type Query { t: T } type T @key(fields: "id") @key(fields: "n { m }") { id: ID! n: N } type N { m: Int }',
        b='type T @key(fields: "id", resolvable: false) { id: ID! }',
        c='extend type T @key(fields: "id") { id: ID! z: Int }',
    )
    assert definition(composition.supergraph_sdl, "T") == (
        'type T @join__type(graph: A, key: "id") @join__type(graph: A, key: "n { m }")'
        ' @join__type(graph: B, key: "id", resolvable: false) @join__type(graph: C, key: "id", extension: true)'
        " { id: ID! n: N @join__field(graph: A) z: Int @join__field(graph: C) }"
    )


def test_an_overridden_field_leaves_its_subgraph_unless_it_is_still_needed() -> None:
    composition = compose_sdl(
        a='type Query { t: T } type T @key(fields: "id") { id: ID! x: Int y: Int }',
        b='type T @key(fields: "id") { id: ID! x: Int @override(from: "a") y: Int @override(from: "a", label: "l") }',
        c='type T @key(fields: "id") { id: ID! k: ID! @override(from: "d") }',
        d='type T @key(fields: "id") @key(fields: "k") { id: ID! k: ID! }',
    )
    assert definition(composition.supergraph_sdl, "T") == (
        'type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id")'
        ' @join__type(graph: D, key: "id") @join__type(graph: D, key: "k")'
        " { id: ID!"
        ' x: Int @join__field(graph: B, override: "a")'
        ' y: Int @join__field(graph: A, overrideLabel: "l") @join__field(graph: B, override: "a", overrideLabel: "l")'
        ' k: ID! @join__field(graph: C, override: "d") @join__field(graph: D, usedOverridden: true) }'
    )


def test_the_widest_type_is_returned_and_the_narrowest_taken() -> None:
    composition = compose_sdl(
        a="type Query { f(n: Int): [I!] @shareable } interface I { x: Int } type T implements I @shareable { x: Int }",
        b="type Query { f(n: Int!): [T] @shareable } interface I { x: Int } type T implements I @shareable { x: Int }",
        c="type Query { g(n: Int): Int! @shareable }",
        d="type Query { g(n: Int!): Int @shareable }",
    )
    assert "FIELD_TYPE_MISMATCH" in [error.code.name for error in composition.errors]
    narrowed = compose_sdl(c="type Query { g(n: Int): Int! @shareable }", d="type Query { g(n: Int!): Int @shareable }")
    assert definition(narrowed.supergraph_sdl, "Query") == (
        "type Query @join__type(graph: C) @join__type(graph: D)"
        ' { g(n: Int!): Int @join__field(graph: C, type: "Int!") @join__field(graph: D, type: "Int") }'
    )


def test_unions_and_enums_and_inputs_merge_by_how_they_are_used() -> None:
    composition = compose_sdl(
        a="type Query { u: U e: Out } union U = A type A { x: Int } enum Out { X } enum In { P Q } input I { p: Int q: Int }"
        " type Mutation { m(i: I, e: In): Int }",
        b="type Query { v: U f: Out } union U = B type B { x: Int } enum Out { Y } enum In { P } input I { p: Int }"
        " type Mutation { n(i: I, e: In): Int }",
    )
    assert {name: definition(composition.api_sdl, name) for name in ("U", "Out", "In", "I")} == {
        "U": "union U = A | B",
        "Out": "enum Out { X Y }",
        "In": "enum In { P }",
        "I": "input I { p: Int }",
    }


def test_an_interface_object_gives_its_fields_to_the_implementations() -> None:
    composition = compose_sdl(
        a='type Query { i: I } interface I @key(fields: "id") { id: ID! } type T implements I @key(fields: "id") { id: ID! }',
        b='type I @interfaceObject @key(fields: "id") { id: ID! more: Int }',
    )
    assert definition(composition.supergraph_sdl, "I") == (
        'interface I @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true)'
        " { id: ID! more: Int @join__field(graph: B) }"
    )
    assert definition(composition.supergraph_sdl, "T") == (
        'type T implements I @join__implements(graph: A, interface: "I") @join__type(graph: A, key: "id")'
        " { id: ID! more: Int @join__field }"
    )


def test_access_adds_up_and_reaches_interfaces() -> None:
    composition = compose_sdl(
        a='type Query { i: I } interface I { x: Int } type T implements I { x: Int @shareable @requiresScopes(scopes: [["a"], ["b"]]) }',
        b='type Query { t: T } type T { x: Int @shareable @requiresScopes(scopes: [["c"]]) }',
    )
    assert '@requiresScopes(scopes: [["a", "c"], ["b", "c"]])' in definition(composition.supergraph_sdl, "T")
    assert '@requiresScopes(scopes: [["a", "c"], ["b", "c"]])' in definition(composition.supergraph_sdl, "I")


def test_costs_take_the_maximum_and_list_sizes_unite() -> None:
    composition = compose_sdl(
        a='type Query { f(n: Int, m: Int): [Int] @shareable @cost(weight: 3) @listSize(slicingArguments: ["n"], assumedSize: 5) }',
        b='type Query { f(n: Int, m: Int): [Int] @shareable @cost(weight: 7) @listSize(slicingArguments: ["m"], assumedSize: 2) }',
    )
    query = definition(composition.supergraph_sdl, "Query")
    assert "@cost(weight: 7)" in query
    assert '@listSize(assumedSize: 5, slicingArguments: ["n", "m"], requireOneSlicingArgument: true)' in query


def test_contexts_belong_to_their_subgraph() -> None:
    composition = compose_sdl(
        a='type Query { t: T } type T @key(fields: "id") @context(name: "c") { id: ID! x: Int u: U }'
        ' type U @key(fields: "id") { id: ID! f(x: Int @fromContext(field: "$c { x }")): Int }',
    )
    assert '@context(name: "a__c")' in definition(composition.supergraph_sdl, "T")
    assert definition(composition.supergraph_sdl, "U") == (
        'type U @join__type(graph: A, key: "id") { id: ID! f: Int @join__field(graph: A, contextArguments:'
        ' [{ context: "a__c", name: "x", type: "Int", selection: " { x }" }]) }'
    )


def test_cache_tags_and_connectors_are_recorded_beside_the_schema() -> None:
    tagged = compose_sdl(a='type Query { t: Int @cacheTag(format: "t") }')
    assert '@join__directive(graphs: [A], name: "federation__cacheTag", args: { format: "t" })' in definition(
        tagged.supergraph_sdl, "Query"
    )
    connected = compose_sdl(
        a='extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@key"])'
        ' @link(url: "https://specs.apollo.dev/connect/v0.1", import: ["@connect", "@source"])'
        ' @source(name: "s", http: { baseURL: "https://example.org" })'
        ' type Query { t: String @connect(source: "s", http: { GET: "/t" }, selection: "$") }'
    )
    assert 'name: "connect", args: { source: "s"' in definition(connected.supergraph_sdl, "Query")
    assert '@link(url: "https://specs.apollo.dev/connect/v0.3", for: EXECUTION)' in (connected.supergraph_sdl or "")


def test_a_composed_directive_keeps_its_definition_and_arguments() -> None:
    composition = compose_sdl(
        a=federation_link()
        + 'extend schema @link(url: "https://example.org/mine/v1.2", import: ["@mine"]) @composeDirective(name: "@mine")'
        " directive @mine(n: Int = 1) repeatable on OBJECT type Query @mine(n: 2) @mine { a: Int }"
    )
    assert definition(composition.supergraph_sdl, "mine") == "directive @mine(n: Int = 1) repeatable on OBJECT"
    assert "@mine(n: 2) @mine" in definition(composition.supergraph_sdl, "Query")
    assert "mine" not in (composition.api_sdl or "")


def test_the_api_schema_hides_what_is_inaccessible_and_keeps_deprecations() -> None:
    composition = compose_sdl(
        a='"The root" type Query { a: Int @deprecated(reason: "old") b: Int @inaccessible c: Hidden @inaccessible }'
        ' type Hidden @inaccessible { x: Int } scalar Url @specifiedBy(url: "https://example.org")'
    )
    assert composition.api_sdl == (
        '"""The root"""\ntype Query {\n  a: Int @deprecated(reason: "old")\n}\n\n'
        'scalar Url\n  @specifiedBy(url: "https://example.org")\n'
    )


def test_graph_names_are_clean_and_unique() -> None:
    sdl = federation_link() + "type Query { a: Int @shareable }"
    composition = compose([SubgraphDefinition(name, "", sdl) for name in ("a-b", "a_b", "1x", "v_2")])
    assert definition(composition.supergraph_sdl, "join__Graph") == (
        'enum join__Graph { _1X @join__graph(name: "1x", url: "") A_B_1 @join__graph(name: "a-b", url: "")'
        ' A_B_2 @join__graph(name: "a_b", url: "") V_2_ @join__graph(name: "v_2", url: "") }'
    )


@pytest.mark.parametrize(("minor", "join"), [(3, "v0.3"), (7, "v0.4"), (8, "v0.5")])
def test_the_join_version_follows_the_federation_version(minor: int, join: str) -> None:
    composition = compose_at(minor, {"a": "type Query { a: Int }"})
    assert f'@link(url: "https://specs.apollo.dev/join/{join}", for: EXECUTION)' in (composition.supergraph_sdl or "")


def test_the_order_of_subgraphs_does_not_matter() -> None:
    sdls = {
        "users": 'type Query { me: User } type User @key(fields: "id") { id: ID! name: String }',
        "orders": 'type Query { orders: [Order] } type Order { id: ID! } type User @key(fields: "id") { id: ID! orders: [Order] }',
        "tags": 'type User @key(fields: "id") @tag(name: "t") { id: ID! tags: [String] }',
    }
    first = compose_sdl(**sdls)
    shuffled = list(sdls.items())
    random.Random(3).shuffle(shuffled)  # noqa: S311 - reproducible on purpose
    assert compose_sdl(**dict(shuffled)) == first
    assert first.ok
