# ruff: noqa: E501 - a schema that fits one line reads better on one line
"""Federation 1 subgraphs are upgraded before they are composed."""

from __future__ import annotations

import pytest

from tests.kit.compositions import compose_sdl, definition, error_codes


def test_extensions_resolve_their_keys_and_share_value_types() -> None:
    composition = compose_sdl(
        a='# fed1\ntype Query { t: T } type T @key(fields: "id") { id: ID! v: V } type V { x: Int }',
        b='# fed1\nextend type T @key(fields: "id") { id: ID! @external w: V } type V { x: Int }',
    )
    assert definition(composition.supergraph_sdl, "T") == (
        'type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id")'
        " { id: ID! v: V @join__field(graph: A) w: V @join__field(graph: B) }"
    )
    assert (
        definition(composition.supergraph_sdl, "V") == "type V @join__type(graph: A) @join__type(graph: B) { x: Int }"
    )


def test_what_never_had_an_effect_is_dropped() -> None:
    composition = compose_sdl(
        a='# fed1\ntype Query { t: T } interface I @key(fields: "id") { id: ID! @external }'
        ' type T implements I @key(fields: "id") { id: ID! x: Int @provides(fields: "y") }',
        b='# fed1\nextend type T @key(fields: "id") { id: ID! @external x: Int @external z: Int @requires(fields: "id") }',
    )
    assert definition(composition.supergraph_sdl, "T") == (
        'type T implements I @join__implements(graph: A, interface: "I") @join__type(graph: A, key: "id")'
        ' @join__type(graph: B, key: "id") { id: ID! x: Int @join__field(graph: A) z: Int @join__field(graph: B) }'
    )


def test_field_sets_may_be_lists_and_enum_values() -> None:
    composition = compose_sdl(a='# fed1\ntype Query { t: T } type T @key(fields: ["id", "n"]) { id: ID! n: Int }')
    assert '@join__type(graph: A, key: "id n")' in definition(composition.supergraph_sdl, "T")


def test_federation_1_and_2_compose_together() -> None:
    composition = compose_sdl(
        a='# fed1\ntype Query { t: T } type T @key(fields: "id") { id: ID! x: Int }',
        b='type T @key(fields: "id") { id: ID! x: Int @override(from: "a") }',
    )
    assert 'x: Int @join__field(graph: B, override: "a")' in definition(composition.supergraph_sdl, "T")


def test_the_machinery_of_federation_may_be_printed_in_the_sdl() -> None:
    composition = compose_sdl(
        a="# fed1\nscalar _Any scalar _FieldSet directive @key(fields: _FieldSet!) repeatable on OBJECT | INTERFACE"
        " type _Service { sdl: String } union _Entity = T"
        " type Query { t: T _entities(representations: [_Any!]!): [_Entity]! _service: _Service! }"
        ' type T @key(fields: "id") { id: ID! }'
    )
    assert "_" not in (composition.api_sdl or "_")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", []),
        ("(fields: String)", []),
        ("(fields: Int)", ["DIRECTIVE_DEFINITION_INVALID"]),
        ("(fields: String, more: Int)", ["DIRECTIVE_DEFINITION_INVALID"]),
        ("(more: String)", ["DIRECTIVE_DEFINITION_INVALID"]),
    ],
)
def test_only_the_wrong_definitions_that_libraries_printed_are_forgiven(arguments: str, expected: list[str]) -> None:
    composition = compose_sdl(
        a=f"# fed1\ndirective @key{arguments} repeatable on OBJECT | INTERFACE"
        ' type Query { t: T } type T @key(fields: "id") { id: ID! }'
    )
    assert set(error_codes(composition)) == set(expected)


def test_a_key_on_an_interface_cannot_serve_an_interface_object() -> None:
    composition = compose_sdl(
        a='# fed1\ntype Query { i: I } interface I @key(fields: "id") { id: ID! } type T implements I @key(fields: "id") { id: ID! }',
        b='type I @interfaceObject @key(fields: "id") { id: ID! x: Int }',
    )
    assert error_codes(composition) == ["INTERFACE_OBJECT_USAGE_ERROR"]
