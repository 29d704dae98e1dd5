# ruff: noqa: E501 - a schema that fits one line reads better on one line
"""One composition for each error code that says exactly that."""

from __future__ import annotations

import pytest

from router.compose import SubgraphDefinition, compose
from router.compose.codes import ERRORS
from tests.kit.compositions import compose_sdl, error_codes, federation_link

_USER = 'type Query { u: User } type User @key(fields: "id") { id: ID! name: String }'
_LINKED = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@key"])'
_HIDDEN = federation_link()

CASES: dict[str, list[dict[str, str]]] = {
    "INVALID_GRAPHQL": [
        {"a": "type Query { a: Missing }"},
        {"a": "type Query { a: Int"},
        {"a": "type Query { a: Int @unknown }"},
        {"a": "type Query { a: Int a: Int }"},
        {"a": "type Query { a(x: Int = true): Int }"},
        {"a": "interface I { x: Int } type Query implements I { y: Int }"},
        {"a": "input A { b: B! } input B { a: A! } type Query { x(a: A): Int }"},
        {"a": "query { a }"},
        {"a": "type Query { a: Int @deprecated @deprecated }"},
        {"a": "type Query { a: Int @tag }"},
    ],
    "DIRECTIVE_DEFINITION_INVALID": [{"a": f"{_LINKED} directive @key on OBJECT type Query {{ a: Int }}"}],
    "TYPE_DEFINITION_INVALID": [{"a": f"{_LINKED} input federation__FieldSet {{ a: Int }} type Query {{ a: Int }}"}],
    "UNKNOWN_FEDERATION_LINK_VERSION": [
        {"a": 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.99") type Query { a: Int }'}
    ],
    "UNKNOWN_LINK_VERSION": [
        {"a": 'extend schema @link(url: "https://specs.apollo.dev/link/v9.0") type Query { a: Int }'}
    ],
    "INVALID_LINK_DIRECTIVE_USAGE": [
        {"a": 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@policy"]) type Query { a: Int }'},
        {"a": f"{_LINKED} {_LINKED} type Query {{ a: Int }}"},
        {"a": f'{_LINKED} @link(url: "https://example.org/federation/v1.0") type Query {{ a: Int }}'},
        {"a": f'{_LINKED} @link(url: "https://example.org/x/v1.0", import: [{{as: "@y"}}]) type Query {{ a: Int }}'},
    ],
    "INVALID_LINK_IDENTIFIER": [{"a": f'{_LINKED} @link(url: "https://example.org/x/one") type Query {{ a: Int }}'}],
    "LINK_IMPORT_NAME_MISMATCH": [
        {
            "a": 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@tag"])'
            ' type Query { a: Int @tag(name: "x") }',
            "b": 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: [{name: "@tag", as: "@t"}])'
            ' type Query { b: Int @t(name: "x") }',
        }
    ],
    "NO_QUERIES": [{"a": "type Mutation { a: Int }"}],
    "ROOT_QUERY_USED": [{"a": "schema { query: Q } type Q { a: Int } type Query { a: Int }"}],
    "ROOT_MUTATION_USED": [{"a": "schema { query: Query mutation: M } type M { a: Int } type Mutation { a: Int } type Query { a: Int }"}],
    "ROOT_SUBSCRIPTION_USED": [
        {"a": "schema { query: Query subscription: S } type S { a: Int } type Subscription { a: Int } type Query { a: Int }"}
    ],
    "TYPE_KIND_MISMATCH": [{"a": "type Query { a: T } type T { x: Int }", "b": "type Query { b: T } enum T { X }"}],
    "FIELD_TYPE_MISMATCH": [
        {"a": "type Query { t: T } type T @shareable { x: Int }", "b": "type Query { b: T } type T @shareable { x: String }"}
    ],
    "FIELD_ARGUMENT_TYPE_MISMATCH": [
        {"a": "type Query { f(x: Int): Int @shareable }", "b": "type Query { f(x: String): Int @shareable }"}
    ],
    "FIELD_ARGUMENT_DEFAULT_MISMATCH": [
        {"a": "type Query { f(x: Int = 1): Int @shareable }", "b": "type Query { f(x: Int = 2): Int @shareable }"}
    ],
    "INPUT_FIELD_DEFAULT_MISMATCH": [
        {"a": "type Query { f(i: I): Int } input I { x: Int = 1 }", "b": "type Query { g(i: I): Int } input I { x: Int = 2 }"}
    ],
    "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH": [
        {"a": "type Query { f(x: Int!): Int @shareable }", "b": "type Query { f: Int @shareable }"}
    ],
    "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH": [
        {"a": "type Query { f(i: I): Int } input I { x: Int y: Int! }", "b": "type Query { g(i: I): Int } input I { x: Int }"}
    ],
    "EMPTY_MERGED_INPUT_TYPE": [
        {"a": "type Query { f(i: I): Int } input I { x: Int }", "b": "type Query { g(i: I): Int } input I { y: Int }"}
    ],
    "EMPTY_MERGED_ENUM_TYPE": [
        {"a": "type Query { f(e: E): Int } enum E { X }", "b": "type Query { g(e: E): Int } enum E { Y }"}
    ],
    "ENUM_VALUE_MISMATCH": [{"a": "type Query { f(e: E): E } enum E { X Y }", "b": "type Query { g(e: E): E } enum E { X }"}],
    "INTERFACE_FIELD_NO_IMPLEM": [
        {
            "a": "type Query { i: I } interface I { x: Int y: Int } type T implements I @shareable { x: Int y: Int }",
            "b": "type Query { j: I } interface I { x: Int } type U implements I { x: Int }",
        }
    ],
    "EXTENSION_WITH_NO_BASE": [
        {"a": "type Query { a: T } extend type T { x: Int }"},
        {"a": '# fed1\ntype Query { a: T } extend type T @key(fields: "x") { x: Int }'},
    ],
    "EXTERNAL_UNUSED": [{"a": "type Query { a: T } type T { x: Int y: Int @external }"}],
    "TYPE_WITH_ONLY_UNUSED_EXTERNAL": [
        {"a": "# fed1\ntype Query { a: T } extend type T { x: Int @external }", "b": "# fed1\ntype T { x: Int } type Query { b: T }"}
    ],
    "EXTERNAL_MISSING_ON_BASE": [
        {"a": 'type Query { a: T } type T @key(fields: "id") { id: ID! x: Int @external y: Int @requires(fields: "x") }'}
    ],
    "EXTERNAL_TYPE_MISMATCH": [
        {
            "a": 'type Query { a: T } type T @key(fields: "id") { id: ID! x: String @external y: Int @requires(fields: "x") }',
            "b": 'type T @key(fields: "id") { id: ID! x: Int }',
        }
    ],
    "EXTERNAL_ARGUMENT_MISSING": [
        {
            "a": 'type Query { a: T } type T @key(fields: "id") { id: ID! x: Int @external y: Int @requires(fields: "x") }',
            "b": 'type T @key(fields: "id") { id: ID! x(n: Int): Int }',
        }
    ],
    "EXTERNAL_ARGUMENT_TYPE_MISMATCH": [
        {
            "a": 'type Query { a: T } type T @key(fields: "id") { id: ID! x(n: ID): Int @external y: Int @requires(fields: "x") }',
            "b": 'type T @key(fields: "id") { id: ID! x(n: Int): Int }',
        }
    ],
    "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH": [
        {
            "a": 'type Query { a: T } type T @key(fields: "id") { id: ID! x(n: Int): Int @external y: Int @requires(fields: "x") }',
            "b": 'type T @key(fields: "id") { id: ID! x(n: Int = 1): Int }',
        }
    ],
    "EXTERNAL_ON_INTERFACE": [
        {"a": 'type Query { a: I } interface I { x: Int @external } type T implements I @key(fields: "x") { x: Int }'}
    ],
    "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE": [
        {"a": f'{_USER} type T @key(fields: "id") {{ id: ID! u: User @external @provides(fields: "name") }}'}
    ],
    "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL": [
        {
            "a": 'type Query { a: T } type T @key(fields: "id") { id: ID! x: Int @external @tag(name: "t") y: Int @requires(fields: "x") }',
            "b": 'type T @key(fields: "id") { id: ID! x: Int }',
        }
    ],
    "PROVIDES_ON_NON_OBJECT_FIELD": [{"a": 'type Query { a: Int @provides(fields: "x") }'}],
    "KEY_FIELDS_SELECT_INVALID_TYPE": [
        {"a": 'type Query { a: T } type T @key(fields: "i { x }") { i: I } interface I { x: Int } type A implements I { x: Int }'}
    ],
    "INVALID_FIELD_SHARING": [
        {"a": "type Query { f: Int }", "b": "type Query { f: Int }"},
        {"a": "type Query { a: Int } type Subscription { s: Int @shareable }"},
    ],
    "INVALID_SHAREABLE_USAGE": [
        {"a": "type Query { a: Int @shareable @shareable }"},
        {"a": "type Query { a: I } interface I { x: Int @shareable }"},
    ],
    "OVERRIDE_FROM_SELF_ERROR": [{"a": 'type Query { a: Int @override(from: "a") }'}],
    "OVERRIDE_SOURCE_HAS_OVERRIDE": [
        {"a": 'type Query { f: Int @override(from: "b") }', "b": 'type Query { f: Int @override(from: "a") }'}
    ],
    "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE": [
        {
            "a": 'type Query { a: T } type T @key(fields: "id") { id: ID! y: Int @override(from: "b") }',
            "b": 'type T @key(fields: "id") { id: ID! x: Int @external y: Int @requires(fields: "x") }',
            "c": 'type T @key(fields: "id") { id: ID! x: Int }',
        }
    ],
    "OVERRIDE_ON_INTERFACE": [
        {"a": 'type Query { a: I } interface I { x: Int @override(from: "b") }', "b": "type Query { b: Int }"}
    ],
    "OVERRIDE_LABEL_INVALID": [
        {
            "a": 'type Query { f: Int @override(from: "b", label: "percent(101)") }',
            "b": "type Query { f: Int g: Int }",
        }
    ],
    "INTERFACE_OBJECT_USAGE_ERROR": [
        {"a": "type Query { a: T } type T @interfaceObject { x: Int }"},
        {"a": 'type Query { a: T } type T @interfaceObject @key(fields: "id") { id: ID! }'},
    ],
    "INTERFACE_KEY_NOT_ON_IMPLEMENTATION": [
        {"a": 'type Query { a: I } interface I @key(fields: "id") { id: ID! } type T implements I { id: ID! }'}
    ],
    "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE": [
        {
            "a": 'type Query { a: I } interface I @key(fields: "id") { id: ID! } type T implements I @key(fields: "id") { id: ID! }',
            "b": 'interface I { id: ID! } type U implements I @key(fields: "id") { id: ID! }',
        }
    ],
    "CONTEXT_NAME_INVALID": [{"a": 'type Query { a: T } type T @context(name: "a_b") { x: Int }'}],
    "CONTEXT_NOT_SET": [
        {"a": 'type Query { a: T } type T @key(fields: "id") { id: ID! f(x: Int @fromContext(field: "$c { x }")): Int }'}
    ],
    "CONTEXT_INVALID_SELECTION": [
        {
            "a": 'type Query { a: T } type T @context(name: "c") { x: String u: U }'
            ' type U @key(fields: "id") { id: ID! f(x: Int @fromContext(field: "$c { x }")): Int }'
        }
    ],
    "NO_CONTEXT_IN_SELECTION": [
        {"a": 'type Query { a: T } type T @key(fields: "id") { id: ID! f(x: Int @fromContext(field: "x")): Int }'}
    ],
    "CONTEXT_NO_RESOLVABLE_KEY": [
        {
            "a": 'type Query { a: T } type T @context(name: "c") { x: Int u: U }'
            ' type U { f(x: Int @fromContext(field: "$c { x }")): Int }'
        }
    ],
    "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS": [
        {
            "a": 'type Query { a: T } type T @key(fields: "id") @context(name: "c") { id: ID! x: Int u: U }'
            ' type U @key(fields: "id") { id: ID! f(x: Int @fromContext(field: "$c { x }")): Int @shareable }',
            "b": 'type U @key(fields: "id") { id: ID! f(x: Int!): Int @shareable }',
        }
    ],
    "COST_APPLIED_TO_INTERFACE_FIELD": [{"a": "type Query { a: I } interface I { x: Int @cost(weight: 1) }"}],
    "LIST_SIZE_APPLIED_TO_NON_LIST": [{"a": "type Query { a: Int @listSize(assumedSize: 1) }"}],
    "LIST_SIZE_INVALID_ASSUMED_SIZE": [{"a": "type Query { a: [Int] @listSize(assumedSize: -1) }"}],
    "LIST_SIZE_INVALID_SLICING_ARGUMENT": [{"a": 'type Query { a(n: String): [Int] @listSize(slicingArguments: ["n"]) }'}],
    "LIST_SIZE_INVALID_SIZED_FIELD": [
        {"a": 'type Query { a: T @listSize(assumedSize: 1, sizedFields: ["y"]) } type T { x: [Int] }'}
    ],
    "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE": [{"a": "type Query { a: I } interface I @authenticated { x: Int }"}],
    "MISSING_TRANSITIVE_AUTH_REQUIREMENTS": [
        {
            "a": 'type Query { a: T } type T @key(fields: "id") { id: ID! x: Int @external y: Int @requires(fields: "x") }',
            "b": 'type T @key(fields: "id") { id: ID! x: Int @authenticated }',
        }
    ],
    "DIRECTIVE_COMPOSITION_ERROR": [
        {"a": f'{_HIDDEN} extend schema @composeDirective(name: "@key") type Query {{ a: Int }}'},
        {"a": f'{_HIDDEN} extend schema @composeDirective(name: "mine") type Query {{ a: Int }}'},
        {"a": f'{_HIDDEN} extend schema @composeDirective(name: "@mine") directive @mine on OBJECT type Query {{ a: Int }}'},
    ],
    "REFERENCED_INACCESSIBLE": [{"a": "type Query { a: T } type T @inaccessible { x: Int }"}],
    "DEFAULT_VALUE_USES_INACCESSIBLE": [{"a": "type Query { a(e: E = X): Int } enum E { X @inaccessible Y }"}],
    "QUERY_ROOT_TYPE_INACCESSIBLE": [{"a": "type Query @inaccessible { a: Int }"}],
    "REQUIRED_INACCESSIBLE": [{"a": "type Query { a(x: Int! @inaccessible): Int }"}],
    "IMPLEMENTED_BY_INACCESSIBLE": [
        {"a": "type Query { a: I } interface I { x: Int } type T implements I { x: Int @inaccessible y: Int }"}
    ],
    "DISALLOWED_INACCESSIBLE": [
        {
            "a": f'{_HIDDEN} extend schema @link(url: "https://example.org/mine/v1.0", import: ["@mine"])'
            ' @composeDirective(name: "@mine") directive @mine(x: Int @inaccessible) on OBJECT type Query @mine { a: Int }'
        }
    ],
    "ONLY_INACCESSIBLE_CHILDREN": [{"a": "type Query { a: T } type T { x: Int @inaccessible }"}],
    "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES": [
        {
            "a": "type Query { u: U @shareable } union U = A type A { x: Int }",
            "b": "type Query { u: U @shareable } union U = B type B { x: Int }",
        }
    ],
    "SATISFIABILITY_ERROR": [
        {"a": "type Query { a: T } type T @shareable { x: Int }", "b": "type Query { b: T } type T @shareable { x: Int y: Int }"}
    ],
    "KEY_FIELDS_HAS_ARGS": [{"a": 'type Query { a: T } type T @key(fields: "x") { x(n: Int): Int }'}],
    "KEY_UNSUPPORTED_ON_INTERFACE": [
        {
            "a": 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.2", import: ["@key"])'
            ' type Query { a: I } interface I @key(fields: "x") { x: Int }'
        }
    ],
    "KEY_DIRECTIVE_IN_FIELDS_ARG": [{"a": 'type Query { a: T } type T @key(fields: "x @include(if: true)") { x: Int }'}],
    "KEY_INVALID_FIELDS_TYPE": [{"a": "type Query { a: T } type T @key(fields: 1) { x: Int }"}],
    "KEY_INVALID_FIELDS": [
        {"a": 'type Query { a: T } type T @key(fields: "y") { x: Int }'},
        {"a": 'type Query { a: T } type T @key(fields: "x { y }") { x: Int }'},
        {"a": 'type Query { a: T } type T @key(fields: "{") { x: Int }'},
        {"a": 'type Query { a: T } type T @key(fields: "y: x") { x: Int }'},
    ],
    "PROVIDES_FIELDS_HAS_ARGS": [
        {
            "a": 'type Query { a: T @provides(fields: "x") } type T @key(fields: "id") { id: ID! x(n: Int): Int @external }',
        }
    ],
    "PROVIDES_FIELDS_MISSING_EXTERNAL": [{"a": 'type Query { a: T @provides(fields: "x") } type T { x: Int }'}],
    "PROVIDES_UNSUPPORTED_ON_INTERFACE": [
        {
            "a": 'type Query { a: I } interface I { t: T @provides(fields: "x") }'
            ' type T @key(fields: "id") { id: ID! x: Int @external }'
        }
    ],
    "PROVIDES_DIRECTIVE_IN_FIELDS_ARG": [
        {"a": 'type Query { a: T @provides(fields: "x @include(if: true)") } type T @key(fields: "id") { id: ID! x: Int @external }'}
    ],
    "PROVIDES_INVALID_FIELDS_TYPE": [{"a": "type Query { a: T @provides(fields: 1) } type T { x: Int }"}],
    "PROVIDES_INVALID_FIELDS": [{"a": 'type Query { a: T @provides(fields: "y") } type T { x: Int }'}],
    "REQUIRES_FIELDS_MISSING_EXTERNAL": [
        {"a": 'type Query { a: T } type T @key(fields: "id") { id: ID! x: Int y: Int @requires(fields: "x") }'}
    ],
    "REQUIRES_UNSUPPORTED_ON_INTERFACE": [
        {
            "a": 'type Query { a: I } interface I { x: Int y: Int @requires(fields: "x") }'
            ' type T implements I @key(fields: "id") { id: ID! x: Int @external y: Int @requires(fields: "x") }'
        }
    ],
    "REQUIRES_DIRECTIVE_IN_FIELDS_ARG": [
        {"a": 'type Query { a: T } type T @key(fields: "id") { id: ID! x: Int @external y: Int @requires(fields: "x @include(if: true)") }'}
    ],
    "REQUIRES_INVALID_FIELDS_TYPE": [{"a": 'type Query { a: T } type T @key(fields: "id") { id: ID! y: Int @requires(fields: 1) }'}],
    "REQUIRES_INVALID_FIELDS": [
        {"a": 'type Query { a: T } type T @key(fields: "id") { id: ID! y: Int @requires(fields: "z") }'},
        {
            "a": 'type Query { a: T } type T @key(fields: "id") { id: ID! x(n: Int): Int @external y: Int @requires(fields: "x(n: 1)") }',
            "b": 'type T @key(fields: "id") { id: ID! x: Int @shareable }',
            "c": 'type T @key(fields: "id") { id: ID! x(n: Int): Int @shareable }',
        },
    ],
}  # fmt: skip


#: what cannot be wrong without something else being wrong too
COMPANIONS = {
    "EXTERNAL_ON_INTERFACE": {"EXTERNAL_UNUSED"},
    "OVERRIDE_SOURCE_HAS_OVERRIDE": {"INVALID_FIELD_SHARING"},
    "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE": {"INVALID_FIELD_SHARING"},
    "REQUIRES_UNSUPPORTED_ON_INTERFACE": {"REQUIRES_FIELDS_MISSING_EXTERNAL"},
}


@pytest.mark.parametrize(
    ("code", "subgraphs"),
    [pytest.param(code, case, id=f"{code}-{i}") for code, cs in CASES.items() for i, case in enumerate(cs)],
)
def test_an_error_has_its_code(code: str, subgraphs: dict[str, str]) -> None:
    assert set(error_codes(compose_sdl(**subgraphs))) == {code, *COMPANIONS.get(code, ())}


def test_every_code_has_a_case() -> None:
    elsewhere = {"INVALID_SUBGRAPH_NAME", "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED"}
    assert CASES.keys() | elsewhere == ERRORS.keys()


def test_a_name_must_be_usable_and_used_once() -> None:
    sdl = "type Query { a: Int @shareable }"
    definitions = [SubgraphDefinition(name, "", federation_link() + sdl) for name in ("_", "a", "a")]
    assert error_codes(compose(definitions)) == ["INVALID_SUBGRAPH_NAME", "INVALID_SUBGRAPH_NAME"]


def test_the_search_gives_up_at_its_limit() -> None:
    sdl = federation_link() + 'type Query { a: T } type T @key(fields: "id") { id: ID! t: T }'
    composition = compose([SubgraphDefinition("a", "", sdl)], most_options=0)
    assert error_codes(composition) == ["MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED"]


def test_an_error_says_where_and_what_to_do() -> None:
    composition = compose_sdl(
        a="type Query { a: T }\ntype T {\n  x: Int\n  y: Int @external\n}",
        b="type Query { b: Int }",
    )
    (error,) = composition.errors
    assert (error.subgraphs, [str(position) for position in error.positions], error.advice) == (
        ("a",),
        ["a:5:3"],
        "Remove the field, or its @external.",
    )
    assert str(error) == (
        'EXTERNAL_UNUSED: [a] "T.y" is @external, but no @key, @requires, @provides or interface needs it.'
    )
