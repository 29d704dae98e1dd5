from typing import Any

import pytest
from graphql import build_schema

from router.errors import RequestError
from router.operation import DocumentLimits, coerce_variables, normalize_operation, parse_document
from router.operation.model import Operation

SCHEMA = build_schema("""
type Query { f(in: In, e: E, n: Int, list: [Int!], id: ID, any: Any, fl: Float): String }
input In { size: Int! = 3 inner: In name: String }
enum E { A B }
scalar Any
""")


def operation(head: str) -> Operation:
    return normalize_operation(parse_document(f"query ({head}) {{ __typename }}", DocumentLimits()), SCHEMA)


def test_defaults_are_filled_in_and_what_is_not_declared_is_dropped() -> None:
    declared = operation("$in: In, $e: E = B, $n: Int, $list: [Int!], $id: ID, $any: Any, $fl: Float")
    raw = {"in": {"inner": {"name": "x"}}, "list": 5, "id": 7, "any": {"deep": [1]}, "fl": 1, "other": 1}
    assert coerce_variables(declared, SCHEMA, raw) == {
        "in": {"size": 3, "inner": {"size": 3, "name": "x"}},
        "e": "B",
        "list": [5],
        "id": "7",
        "any": {"deep": [1]},
        "fl": 1.0,
    }


@pytest.mark.parametrize(
    ("raw", "expected"), [({}, {"n": 3}), ({"id": "x"}, {"n": 3, "id": "x"}), ({"n": None}, {"n": None})]
)
def test_defaults_of_built_in_scalars_are_filled_in_where_nothing_was_sent(
    raw: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert coerce_variables(operation("$n: Int = 3, $id: ID"), SCHEMA, raw) == expected


@pytest.mark.parametrize(
    ("head", "value"),
    [
        ("$n: Int!", "hunter2"),
        ("$n: E", "hunter2"),
        ("$n: In", {"size": 1, "hunter2": "hunter2"}),
        ("$n: [Int!]", [1, "hunter2"]),
    ],
)
def test_a_wrong_value_is_refused_without_being_quoted(head: str, value: Any) -> None:
    with pytest.raises(RequestError) as refusal:
        coerce_variables(operation(head), SCHEMA, {"n": value})
    error = refusal.value.errors[0].as_json()
    assert error["extensions"] == {"code": "VALIDATION_INVALID_TYPE_VARIABLE", "name": "n"}
    assert "hunter2" not in error["message"]
    assert head.removeprefix("$n: ") in error["message"]


def test_a_missing_required_variable_is_refused_and_so_is_null() -> None:
    for raw in (None, {}, {"n": None}):
        with pytest.raises(RequestError):
            coerce_variables(operation("$n: Int!"), SCHEMA, raw)


def test_values_nested_without_end_are_refused() -> None:
    value: dict[str, Any] = {}
    for _ in range(5_000):
        value = {"inner": value}
    with pytest.raises(RequestError):
        coerce_variables(operation("$n: In"), SCHEMA, {"n": value})
