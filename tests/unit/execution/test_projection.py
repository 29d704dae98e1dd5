"""The generated code against the interpreter: whatever subgraphs send, right or wrong."""

from typing import Any

from graphql import build_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from router.execution.complete import Completion, Explained
from router.execution.generate import DISORDER, Projection
from router.execution.shape import ShapeBuilder
from router.operation import DocumentLimits, normalize_operation, parse_document
from tests.unit.execution.setting import keys_in_order

SCHEMA = build_schema("""
type Query { a: A  must: A!  named: Named  some: Some  matrix: [[Int!]]! }
interface Named { name: String! }
type A implements Named { name: String! a: A list: [A!] maybe: [A]! int: Int! color: Color any: Any some: Some }
type B implements Named { name: String! id: ID! flag: Boolean float: Float }
union Some = A | B
enum Color { RED GREEN }
scalar Any
""")
QUERY = """{
  a { name list { int ...on Named { name } } maybe { color any } a { __typename some { ...on B { id } } } }
  must { int } matrix
  named { t: __typename name ... on B { flag float } }
  some { ... on A { any list { name } } ... on B { id flag } }
}"""
#: what the supergraph has and clients may not see is nulled without an error, and by the interpreter only
NOTHING_HIDDEN = build_schema("type Query { a: Int }")
OPERATION = normalize_operation(parse_document(QUERY, DocumentLimits()), SCHEMA)
QUERY_TYPE = SCHEMA.query_type
assert QUERY_TYPE is not None
SHAPE = ShapeBuilder(SCHEMA, {}).object_shape(QUERY_TYPE, OPERATION.selections)
PROJECTION = Projection(SHAPE)

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2**31, 1.5, 2.0, "RED", "BLUE", "x"]),
)
NAMES = ("name", "a", "list", "maybe", "int", "color", "any", "some", "id", "flag", "float", "must", "matrix", "named")


def objects(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects with mostly fitting fields, so that a fair part of them is in order."""
    texts, whole = st.just("n"), st.just(7)
    fields: dict[str, st.SearchStrategy[Any]] = {"name": texts, "id": texts, "int": whole}
    return st.fixed_dictionaries(
        {"__typename": st.sampled_from(["A", "A", "B", "B", "Named", "Other"]), **fields},
        optional={name: children for name in NAMES if name not in fields},
    )


DATA = st.recursive(
    LEAVES, lambda children: st.one_of(objects(children), st.lists(children, max_size=3)), max_leaves=25
)
MATRICES = st.one_of(st.just([[1], None]), st.lists(st.lists(LEAVES, max_size=2), max_size=2))
ROOTS = st.fixed_dictionaries(
    {"must": st.one_of(objects(DATA), DATA), "matrix": MATRICES},
    optional={"a": DATA, "named": DATA, "some": DATA},
)


def interpreted(data: Any) -> tuple[Any, int]:
    completion = Completion(NOTHING_HIDDEN, {}, Explained(()))
    return completion.complete_root(SHAPE, data), len(completion.errors)


@given(ROOTS)
@settings(max_examples=120, deadline=None)
def test_what_the_generated_code_answers_the_interpreter_answers_too_and_without_errors(data: Any) -> None:
    for project in (PROJECTION.project, PROJECTION.project_shared):
        try:
            generated = project(data, {})
        except DISORDER:
            continue
        expected, error_count = interpreted(data)
        assert error_count == 0
        assert generated == expected
        assert keys_in_order(generated) == keys_in_order(expected)


@given(ROOTS)
@settings(max_examples=120, deadline=None)
def test_what_the_interpreter_finds_in_order_the_generated_code_finds_in_order(data: Any) -> None:
    expected, error_count = interpreted(data)
    if error_count == 0 and "2.0" not in str(data):  # 2.0 for an Int is left to the interpreter
        assert PROJECTION.project(data, {}) == expected
        assert PROJECTION.project_shared(data, {}) == expected
