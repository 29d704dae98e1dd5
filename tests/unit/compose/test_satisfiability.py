"""Queries that cannot be answered are shown with the reasons."""

from __future__ import annotations

from tests.kit.compositions import compose_sdl, error_codes


def _message(**subgraphs: str) -> str:
    composition = compose_sdl(**subgraphs)
    assert error_codes(composition) == ["SATISFIABILITY_ERROR"]
    return composition.errors[0].message


def test_a_type_without_key_cannot_be_left() -> None:
    assert _message(
        a="type Query { a(n: Int!, i: In!): T } input In { x: [ID!]! y: Int } type T @shareable { x: Int }",
        b="type Query { b: T } type T @shareable { x: Int y: U } type U { z: Int }",
    ) == (
        "This query cannot be answered by the subgraphs:\n"
        "{\n  a(n: 0, i: {x: []}) {\n    y {\n      ...\n    }\n  }\n}\n"
        '- from subgraph "a":\n'
        '  - cannot find field "T.y".\n'
        '  - cannot move to subgraph "b", which has "T.y", because "T" has no @key there.'
    )


def test_a_key_must_be_resolvable_from_where_the_query_is() -> None:
    assert _message(
        a='type Query { a: T } type T @key(fields: "x") { x: Int }',
        b='type T @key(fields: "y") { y: Int z: Int @inaccessible }',
    ) == (
        "This query cannot be answered by the subgraphs:\n{\n  a {\n    y\n  }\n}\n"
        '- from subgraph "a":\n'
        '  - cannot find field "T.y".\n'
        '  - cannot move to subgraph "b" by @key(fields: "y") of "T": its fields cannot be resolved from here.'
    )


def test_keys_can_be_chained() -> None:
    assert compose_sdl(
        a='type Query { a: T } type T @key(fields: "x") { x: Int }',
        b='type T @key(fields: "x") @key(fields: "y") { x: Int y: Int }',
        c='type T @key(fields: "y") { y: Int z: Int }',
    ).ok


def test_requires_must_be_fulfilled() -> None:
    composition = compose_sdl(
        a='type Query { a: T } type T @key(fields: "id") { id: ID! x: Int @external y: Int @requires(fields: "x") }',
        b='type T @key(fields: "k") { k: ID! x: Int } type Query { b: T }',
    )
    assert "SATISFIABILITY_ERROR" in error_codes(composition)
    assert any('cannot satisfy the @requires of "T.y"' in error.message for error in composition.errors)


def test_what_is_external_cannot_be_the_way_out() -> None:
    composition = compose_sdl(
        a='type Query { a: T } type T @key(fields: "id") { id: ID! @external x: Int }',
        b='type T @key(fields: "id") { id: ID! y: Int }',
    )
    assert any('"T.id" is @external and not resolved here' in error.message for error in composition.errors)


def test_both_sides_of_a_labelled_override_are_walked() -> None:
    assert _message(
        a='type Query { u: U @override(from: "b", label: "l") } type U @shareable { z: Int w: Int }',
        b="type Query { u: U } type U @shareable { z: Int }",
    ) == (
        "This query cannot be answered by the subgraphs:\n{\n  u {\n    w\n  }\n}\n"
        '- from subgraph "b":\n'
        '  - cannot find field "U.w".\n'
        '  - cannot move to subgraph "a", which has "U.w", because "U" has no @key there.'
    )


def test_a_shared_mutation_must_be_answerable_from_one_subgraph() -> None:
    composition = compose_sdl(
        a="type Query { a: Int } type Mutation { m: T @shareable } type T { x: Int @shareable y: Int }",
        b="type Query { b: Int } type Mutation { m: T @shareable } type T { x: Int @shareable z: Int }",
    )
    assert error_codes(composition) == ["SATISFIABILITY_ERROR"]
    assert composition.errors[0].subgraphs == ("a", "b")


def test_an_interface_object_needs_somewhere_to_learn_the_type() -> None:
    composition = compose_sdl(
        a='interface I { id: ID! } type T implements I @key(fields: "id") { id: ID! } type Query { t: T }',
        b='type Query { i: I } type I @interfaceObject @key(fields: "id") { id: ID! x: Int }',
    )
    assert set(error_codes(composition)) == {"SATISFIABILITY_ERROR"}


def test_a_fragment_that_never_applies_asks_for_nothing() -> None:
    assert compose_sdl(
        a='type Query { get: I } interface I { k: Int } type T implements I @key(fields: "k") { k: Int a: Int }'
        ' type U implements I @key(fields: "k") { k: Int b: Int }',
        b='interface I { k: Int } type T implements I @key(fields: "k") { k: Int myself: I }',
    ).ok


def test_keys_that_need_each_other_are_refused_not_chased() -> None:
    composition = compose_sdl(
        a='type Query { a: T } type T @key(fields: "x") { x: Int }',
        b='type T @key(fields: "y") { y: Int z: Int @shareable }',
        c='type T @key(fields: "z") { z: Int y: Int @shareable }',
    )
    assert "SATISFIABILITY_ERROR" in error_codes(composition)


def test_long_chains_of_keys_are_followed_and_circles_of_keys_are_refused_soon() -> None:
    count = 30
    start = 'type Query { t: T } type T @key(fields: "k0") { k0: ID! @shareable }'
    chain = {
        f"s{i}": f'type T @key(fields: "k{i}") {{ k{i}: ID! @shareable k{i + 1}: ID! @shareable x{i}: Int }}'
        for i in range(count)
    }
    assert compose_sdl(start=start, **chain).ok
    circle = {
        f"s{i}": f'type T @key(fields: "k0 k{(i + 1) % count + 1}") @key(fields: "k0 k{(i + 2) % count + 1}")'
        f" {{ k0: ID! @shareable k{i + 1}: ID! @shareable k{(i + 1) % count + 1}: ID! @shareable"
        f" k{(i + 2) % count + 1}: ID! @shareable x{i}: Int }}"
        for i in range(count)
    }
    assert set(error_codes(compose_sdl(start=start, **circle))) == {"SATISFIABILITY_ERROR"}


def test_what_is_provided_on_one_way_is_not_taken_for_granted_on_another() -> None:
    unreachable = 'type T @key(fields: "id", resolvable: false) { id: ID! x: Int @shareable }'
    type_ = 'type T @key(fields: "id") { id: ID! x: Int @external }'
    provided = 'given: T @provides(fields: "x")'
    assert compose_sdl(a=unreachable, b=f"type Query {{ {provided} }} {type_}").ok
    for fields in (f"bare: T {provided}", f"{provided} bare: T"):
        message = _message(a=unreachable, b=f"type Query {{ {fields} }} {type_}")
        assert "{\n  bare {\n    x\n  }\n}" in message
        assert 'no @key of "T" is resolvable there' in message


def test_what_an_override_took_away_is_missed_even_where_the_type_was_met_with_it_provided() -> None:
    message = _message(
        a='type E @key(fields: "id", resolvable: false) { id: ID! x: [E2] @override(from: "b") }'
        ' type E2 @key(fields: "id") { id: ID! y: Int @shareable }',
        b='type Query { bare: E given: E @provides(fields: "x { y }") } type E @key(fields: "id") { id: ID! x: [E2] }'
        ' type E2 @key(fields: "id") { id: ID! y: Int @external }',
    )
    assert "  bare {\n    x {" in message
    assert '"E.x" is overridden by another subgraph' in message


def test_a_context_is_missed_however_many_others_were_set_since() -> None:
    chain = "".join(
        f' type B{n} @context(name: "other") {{ name: String! next: {f"B{n + 1}" if n < 5 else "Leaf"} }}'
        for n in range(6)
    )
    fields = 'type A @context(name: "wanted") { name: String! first: B0 } type Leaf @key(fields: "id") { id: ID!'
    leaf = ' value(name: String @fromContext(field: "$wanted { name }")): Int'
    other = ' other(name: String @fromContext(field: "$other { name }")): Int }'
    b = 'type Leaf @key(fields: "id") { id: ID! }'
    assert compose_sdl(a="type Query { a: A }" + fields + leaf + other + chain, b=b).ok
    for roots in ("a: A bare: B0", "bare: B0 a: A"):
        composition = compose_sdl(a=f"type Query {{ {roots} }}" + fields + leaf + other + chain, b=b)
        assert set(error_codes(composition)) == {"SATISFIABILITY_ERROR"}
