"""Headers to subgraphs: rules in order, nothing of ours from outside."""

from __future__ import annotations

import pytest

from common.auth import CONTEXT_HEADER
from router.config import parse_config
from router.pipeline.subgraph_headers import SubgraphHeaders, apply_rules
from tests.unit.pipeline.setting import router

CLIENT = {"x-a": "1", "x-b": "2", "cookie": "c", "connection": "x-a", "host": "h", CONTEXT_HEADER: "forged"}


def applied(rules: str) -> dict[str, str]:
    config = parse_config(f"headers: {{all: {{request: {rules}}}}}", {})
    return apply_rules(config.headers.all.request, CLIENT)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("[{propagate: {named: X-A}}]", {"x-a": "1"}),
        ("[{propagate: {named: x-a, rename: X-Z}}]", {"x-z": "1"}),
        ("[{propagate: {named: x-none, default: d}}]", {"x-none": "d"}),
        ("[{propagate: {named: x-none}}]", {}),
        ("[{propagate: {matching: '^x-[ab]$'}}]", {"x-a": "1", "x-b": "2"}),
        ("[{propagate: {matching: '.*'}}]", {"x-a": "1", "x-b": "2", "cookie": "c"}),
        ("[{insert: {name: x-a, value: '9'}}, {propagate: {named: x-a}}]", {"x-a": "9"}),
        ("[{propagate: {matching: '^x-'}}, {remove: {named: x-b}}]", {"x-a": "1"}),
        ("[{remove: {matching: '^x-'}}, {propagate: {named: x-a}}]", {"x-a": "1"}),
        ("[{propagate: {named: x-punnet-context}}, {insert: {name: content-length, value: '0'}}]", {}),
    ],
)
def test_rules_apply_in_order(rules: str, expected: dict[str, str]) -> None:
    assert applied(rules) == expected


def test_a_subgraph_gets_the_rules_of_all_then_its_own_then_ours() -> None:
    config = parse_config(
        """
        headers:
          all: {request: [{propagate: {named: x-a}}]}
          subgraphs: {one: {request: [{insert: {name: x-one, value: "yes"}}]}}
        """,
        {},
    )
    headers_for = SubgraphHeaders(config.headers).headers_for(CLIENT, ((CONTEXT_HEADER, "ours"),))
    assert headers_for("one") == (("x-a", "1"), ("x-one", "yes"), (CONTEXT_HEADER, "ours"))
    assert headers_for("two") == (("x-a", "1"), (CONTEXT_HEADER, "ours"))


@pytest.mark.anyio
async def test_the_signed_context_reaches_the_subgraph_and_a_forged_one_does_not() -> None:
    config = f"""
    signed_context: {{secret: {"s" * 32}}}
    headers: {{all: {{request: [{{propagate: {{matching: ".*"}}}}]}}}}
    """
    query = f'{{ header(name: "{CONTEXT_HEADER}") other: header(name: "x-other") }}'
    async with router(config) as client:
        reply = await client.post(query, headers={CONTEXT_HEADER: "forged", "x-other": "kept"})
    assert reply.json["data"]["other"] == "kept"
    assert reply.json["data"]["header"].count(".") == 2
