"""Documents that are wrong or too big: refused with the right code, and soon."""

import time

import pytest
from graphql import build_schema

from router.errors import RequestError
from router.operation import DocumentLimits, normalize_operation, parse_document, validate_document

SCHEMA = build_schema("""
type Query { hello: String a: Query b: Query products: [Product] any: Any }
interface Node { id: ID }
type Product implements Node { id: ID related: Product size(unit: Int): Int name: String }
type Other implements Node { id: ID size: Float name: String! label: Int }
union Any = Product | Other
""")
LIMITS = DocumentLimits()


def codes(text: str, limits: DocumentLimits = LIMITS) -> list[str]:
    try:
        document = parse_document(text, limits)
    except RequestError as refusal:
        return [error.code.name for error in refusal.errors]
    return [error.code.name for error in validate_document(document, SCHEMA, limits)]


def doubling(body: str) -> str:
    steps = " ".join(f"fragment f{i} on Query {{ {body.replace('NEXT', f'...f{i + 1}')} }}" for i in range(24))
    return f"{{ ...f0 }} {steps} fragment f24 on Query {{ hello }}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ hello ", ["PARSING_ERROR"]),
        ("{ hello } \0", ["PARSING_ERROR"]),
        (" # nothing", ["PARSING_ERROR"]),
        ("  ", ["MISSING_QUERY_STRING"]),
        ("{ hell }", ["GRAPHQL_VALIDATION_FAILED"]),
        ("{ _service { sdl } }", ["GRAPHQL_VALIDATION_FAILED"]),
        ("{ hello } { hello }", ["GRAPHQL_VALIDATION_FAILED"]),
        ("{ ...A } fragment A on Query { a { ...B } } fragment B on Query { ...A }", ["GRAPHQL_VALIDATION_FAILED"]),
        ("{" + "a{" * 100_000, ["RECURSION_LIMIT_EXCEEDED"]),
        ("{ hello(x: " + "[" * 50_000, ["RECURSION_LIMIT_EXCEEDED"]),
        ("{" + "a " * 200_000 + "}", ["TOKEN_LIMIT_EXCEEDED"]),
        ('"\\' * 400_000, ["PARSING_ERROR"]),
        ("{" + "a{" * 100 + "hello" + "}" * 101, ["MAX_DEPTH_LIMIT"]),
        ("{" + " ".join(f"a{i}: hello" for i in range(1000)) + "}", ["MAX_ALIASES_LIMIT", "MAX_ROOT_FIELDS_LIMIT"]),
        ("{" + "hello " * 10_000 + "}", ["MAX_SELECTIONS_LIMIT"]),
        (doubling("a { NEXT } a { NEXT }"), ["MAX_SELECTIONS_LIMIT"]),
        (doubling("a { NEXT } b { NEXT }"), ["MAX_SELECTIONS_LIMIT"]),
        (doubling("NEXT NEXT"), []),
        ("{" + "hello products { id related { id related { id } } } " * 300 + "}", []),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)
def test_every_bad_document_has_its_code_and_none_takes_long(text: str, expected: list[str]) -> None:
    started = time.process_time()
    assert codes(text) == expected
    assert time.process_time() - started < 5  # what grows too fast here takes minutes


def test_a_thousand_equal_mistakes_are_one_error() -> None:
    document = parse_document("{ hello " + "@aa" * 1000 + "}", LIMITS)
    messages = [error.message for error in validate_document(document, SCHEMA)]
    assert messages[0] == "Unknown directive '@aa'."
    assert len(messages) == len(set(messages)) <= 2


def test_messages_do_not_suggest_names_of_the_schema() -> None:
    document = parse_document("{ hell }", LIMITS)
    assert [e.message for e in validate_document(document, SCHEMA)] == ["Cannot query field 'hell' on type 'Query'."]


@pytest.mark.parametrize(
    ("selections", "conflicts"),
    [
        ("... on Product { x: size(unit: 1) } ... on Product { x: size(unit: 2) }", True),
        ("... on Product { x: size(unit: 1) } ... on Product { x: size(unit: 1) }", False),
        ("... on Product { x: id } ... on Other { x: label }", True),
        ("... on Product { x: name } ... on Other { x: name }", True),
        ("... on Product { x: size } ... on Other { x: label }", False),
        ("... on Node { x: id } ... on Product { x: name }", True),
        ("... on Node { x: id } ... on Product { id }", False),
        ("... on Product { related { x: id } } ... on Product { related { x: name } }", True),
    ],
)
def test_fields_of_one_key_merge_exactly_as_the_specification_says(selections: str, conflicts: bool) -> None:
    assert codes(f"{{ any {{ {selections} }} }}") == (["GRAPHQL_VALIDATION_FAILED"] if conflicts else [])


def test_limits_apply_to_what_fragments_hide() -> None:
    text = "{ a { ...F } } fragment F on Query { a { hello } x: hello y: hello }"
    limits = DocumentLimits(max_depth=2, max_height=4, max_aliases=1, max_root_fields=0)
    assert codes(text, limits) == ["MAX_DEPTH_LIMIT", "MAX_HEIGHT_LIMIT", "MAX_ALIASES_LIMIT", "MAX_ROOT_FIELDS_LIMIT"]
    assert codes(text, DocumentLimits(max_depth=2, warn_only=True)) == []


def test_the_operation_must_be_named_when_there_are_several() -> None:
    document = parse_document("query A { hello } query B { hello }", LIMITS)
    for name in (None, "", "C", "x" * 10_000):
        with pytest.raises(RequestError) as refusal:
            normalize_operation(document, SCHEMA, name)
        assert refusal.value.code.name == "GRAPHQL_UNKNOWN_OPERATION_NAME"
        assert len(str(refusal.value)) < 200
