"""Reports, JSON, the pytest helper, and changes of API schemas."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.compose.changes import api_changes
from router.compose.output import composition_json, error_report
from router.compose.testing import assert_composes
from router.errors import ConfigurationError
from tests.kit.compositions import compose_sdl, federation_link

_SHARED = {"a": "type Query { f: Int }", "b": "type Query { f: Int }"}


def test_a_failure_is_reported_with_codes_places_and_advice() -> None:
    assert error_report(compose_sdl(**_SHARED)) == (
        "error[E029]: Encountered 1 build error while trying to build a supergraph.\n\n"
        "Caused by:\n"
        '    INVALID_FIELD_SHARING: "Query.f" is resolved by subgraphs "a" and "b", but not @shareable in subgraphs'
        ' "a" and "b".\n'
        "      at a:2:14\n"
        "      at b:2:14\n"
        "      = Mark it @shareable everywhere, make it @external, or migrate it with @override.\n"
    )
    assert error_report(compose_sdl(a="type Query { f: Int }")) == ""


def test_errors_say_where_the_parser_stopped_and_where_what_cannot_be_reached_is_defined() -> None:
    broken = compose_sdl(a="# fed1\ntype Query { f: }")
    assert [(str(error), *map(str, error.positions)) for error in broken.errors] == [
        ("INVALID_GRAPHQL: [a] Syntax Error: Expected Name, found '}'.", "a:2:17")
    ]
    unreachable = compose_sdl(a='type Query { t: T } type T @key(fields: "id") { id: ID! }', b="type T { x: Int }")
    assert [tuple(map(str, error.positions)) for error in unreachable.errors] == [("b:2:10",)]


def test_json_carries_everything() -> None:
    failed = composition_json(compose_sdl(**_SHARED))
    assert (failed["data"]["success"], failed["data"]["core_schema"]) == (False, None)
    assert failed["error"]["details"]["build_errors"][0]["nodes"] == [
        {"subgraph": "a", "start": {"line": 2, "column": 14}},
        {"subgraph": "b", "start": {"line": 2, "column": 14}},
    ]
    assert (failed["error"]["code"], failed["error"]["message"]) == (
        "E029",
        "Encountered 1 build error while trying to build a supergraph.",
    )
    composed = compose_sdl(a="type Query { f: Int } enum E { X }")
    assert composition_json(composed) == {
        "json_version": "2",
        "data": {
            "success": True,
            "core_schema": composed.supergraph_sdl,
            "api_schema": composed.api_sdl,
            "hints": [
                {
                    "code": "UNUSED_ENUM_TYPE",
                    "level": "DEBUG",
                    "message": 'Enum "E" is not used; it gets all values of all subgraphs.',
                    "coordinate": "E",
                    "nodes": [],
                }
            ],
        },
        "error": None,
    }


def test_assert_composes_fails_with_the_report(tmp_path: Path) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text("subgraphs: {a: {routing_url: 'http://a', schema: {sdl: 'type Query { a: Int }'}}}")
    composed = assert_composes(config, b=federation_link() + "type Query { b: Int }")
    assert composed.api_sdl == "type Query {\n  a: Int\n  b: Int\n}\n"
    with pytest.raises(AssertionError, match="INVALID_GRAPHQL"):
        assert_composes(config, a="type Query { a: Missing }")


def test_changes_are_sorted_by_what_they_break() -> None:
    old = "type Query { a: Int b(x: Int): Int } enum E { X }"
    new = "type Query { b(x: Int!, y: Int): Int c: Int } enum E { X Y }"
    assert [str(change).partition(":")[0] for change in api_changes(old, new)] == [
        "BREAKING ARG_CHANGED_KIND",
        "BREAKING FIELD_REMOVED",
        "DANGEROUS OPTIONAL_ARG_ADDED",
        "DANGEROUS VALUE_ADDED_TO_ENUM",
        "SAFE FIELD_ADDED",
    ]
    with pytest.raises(ConfigurationError):
        api_changes("type Query {", new)
