"""One composition for each hint code that hints exactly that."""

from __future__ import annotations

import pytest

from router.compose.hint_codes import HINTS
from tests.kit.compositions import compose_sdl, federation_link, hint_codes

_LINK = federation_link()
_MINE = (
    'extend schema @link(url: "https://example.org/mine/v1.0", import: ["@mine"]) @composeDirective(name: "@mine")'
    " directive @mine(n: Int) on OBJECT"
)

CASES: dict[str, dict[str, str]] = {
    "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE": {
        "a": "type Query { f: Int @shareable }",
        "b": "type Query { f: Int! @shareable }",
    },
    "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE": {
        "a": "type Query { f(n: Int): Int @shareable }",
        "b": "type Query { f(n: Int!): Int @shareable }",
    },
    "INCONSISTENT_DEFAULT_VALUE_PRESENCE": {
        "a": "type Query { f(n: Int = 1): Int @shareable }",
        "b": "type Query { f(n: Int): Int @shareable }",
    },
    "INCONSISTENT_ENTITY": {
        "a": 'type Query { a: T } type T @key(fields: "id") { id: ID! }',
        "b": "type Query { b: T } type T { id: ID! @shareable }",
    },
    "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD": {
        "a": "type Query { a: T } type T @shareable { x: Int @inaccessible y: Int }",
        "b": "type Query { b: T } type T @shareable { y: Int }",
    },
    "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD": {
        "a": "type Query { a: I } interface I { x: Int y: Int } type T implements I @shareable { x: Int y: Int }",
        "b": "type Query { b: I } interface I { x: Int } type T implements I @shareable { x: Int y: Int }",
    },
    "INCONSISTENT_INPUT_OBJECT_FIELD": {
        "a": "type Query { a(i: I): Int } input I { x: Int y: Int }",
        "b": "type Query { b(i: I): Int } input I { x: Int }",
    },
    "INCONSISTENT_UNION_MEMBER": {
        "a": "type Query { a: U } union U = A | B type A @shareable { x: Int } type B { x: Int }",
        "b": "type Query { b: U } union U = A type A @shareable { x: Int }",
    },
    "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM": {
        "a": "type Query { a(e: E): Int } enum E { X Y }",
        "b": "type Query { b(e: E): Int } enum E { X }",
    },
    "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM": {
        "a": "type Query { a: E } enum E { X Y }",
        "b": "type Query { b: E } enum E { X }",
    },
    "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE": {
        "a": "directive @d on FIELD type Query { a: Int }",
        "b": "type Query { b: Int }",
    },
    "INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE": {
        "a": "directive @d repeatable on FIELD type Query { a: Int }",
        "b": "directive @d on FIELD type Query { b: Int }",
    },
    "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS": {
        "a": "directive @d on FIELD | QUERY type Query { a: Int }",
        "b": "directive @d on FIELD type Query { b: Int }",
    },
    "NO_EXECUTABLE_DIRECTIVE_INTERSECTION": {
        "a": "directive @d on QUERY type Query { a: Int }",
        "b": "directive @d on FIELD type Query { b: Int }",
    },
    "INCONSISTENT_DESCRIPTION": {
        "a": '"one" type T @shareable { x: Int } type Query { a: T }',
        "b": '"two" type T @shareable { x: Int } type Query { b: T }',
    },
    "INCONSISTENT_ARGUMENT_PRESENCE": {
        "a": "type Query { f(n: Int): Int @shareable }",
        "b": "type Query { f: Int @shareable }",
    },
    "FROM_SUBGRAPH_DOES_NOT_EXIST": {"a": 'type Query { f: Int @override(from: "bb") }', "b": "type Query { b: Int }"},
    "OVERRIDDEN_FIELD_CAN_BE_REMOVED": {
        "a": 'type Query { f: Int @override(from: "b") }',
        "b": "type Query { f: Int g: Int }",
    },
    "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED": {
        "a": 'type Query { f: Int @override(from: "b") }',
        "b": "type Query { g: Int }",
    },
    "OVERRIDE_MIGRATION_IN_PROGRESS": {
        "a": 'type Query { f: Int @override(from: "b", label: "percent(5)") }',
        "b": "type Query { f: Int }",
    },
    "UNUSED_ENUM_TYPE": {"a": "type Query { a: Int } enum E { X }"},
    "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS": {
        "a": f"{_LINK}{_MINE} type Query {{ a: T }} type T @shareable @mine(n: 1) {{ x: Int }}",
        "b": f"{_LINK}{_MINE} type Query {{ b: T }} type T @shareable @mine(n: 2) {{ x: Int }}",
    },
    "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS": {
        "a": "type Query { f: Int @shareable @cost(weight: 1) }",
        "b": "type Query { f: Int @shareable @cost(weight: 2) }",
    },
    "DIRECTIVE_COMPOSITION_INFO": {
        "a": f'{_LINK}extend schema @composeDirective(name: "@inaccessible") type Query {{ a: Int }}'
    },
    "DIRECTIVE_COMPOSITION_WARN": {
        "a": f"{_LINK}{_MINE} type Query @mine(n: 1) {{ a: Int }}",
        "b": f'{_LINK}extend schema @link(url: "https://example.org/mine/v1.0", import: [{{name: "@mine", as: "@my"}}])'
        " directive @my(n: Int) on OBJECT type Query { b: Int }",
    },
    "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN": {
        "a": "type Query { u: U @shareable } union U = A | B type A @shareable { x: Int } type B { x: Int }",
        "b": "type Query { u: U @shareable } union U = A type A @shareable { x: Int }",
    },
    "IMPLICITLY_UPGRADED_FEDERATION_VERSION": {
        "a": 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0")'
        ' @link(url: "https://specs.apollo.dev/cost/v0.1") type Query { a: Int @cost(weight: 1) }'
    },
    "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS": {
        "a": 'type Query { a: T } type T @key(fields: "id") @context(name: "c") { id: ID! x: Int u: U }'
        ' type U @key(fields: "id") { id: ID! f(x: Int @fromContext(field: "$c { x }")): Int @shareable }',
        "b": 'type U @key(fields: "id") { id: ID! f(x: Int): Int @shareable }',
    },
}

#: a member or type of one subgraph only is hinted at once more where a shared field returns it
COMPANIONS = {"INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN": {"INCONSISTENT_UNION_MEMBER"}}


@pytest.mark.parametrize("code", CASES)
def test_a_hint_has_its_code(code: str) -> None:
    composition = compose_sdl(**CASES[code])
    assert (composition.errors, set(hint_codes(composition))) == ((), {code, *COMPANIONS.get(code, ())})


def test_every_hint_has_a_case() -> None:
    assert CASES.keys() == HINTS.keys()
