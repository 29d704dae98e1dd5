"""GraphQL over HTTP: what may be asked, how, and what the answer looks like."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from router.config import parse_config
from router.errors import ConfigurationError
from router.pipeline.engine import open_engine
from router.server.app import create_router_app
from tests.kit.asgi import running
from tests.kit.tiny_subgraph import SUPERGRAPH
from tests.kit.virtual_time import VIRTUAL_TIME, Backend
from tests.unit.pipeline.setting import router

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Backend:
    return VIRTUAL_TIME


GRAPHQL = "application/graphql-response+json"
PREFLIGHT = {"apollo-require-preflight": "yes"}


async def test_a_query_is_answered_with_the_data_of_the_subgraph() -> None:
    async with router() as client:
        reply = await client.post(
            "query ($n: String) { hello(name: $n) user { boss { name } id } }", variables={"n": "you"}
        )
    assert reply.status == 200
    assert reply.json == {"data": {"hello": "hello you", "user": {"boss": {"name": "Bo"}, "id": "1"}}}
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


async def test_the_same_path_with_and_without_its_name() -> None:
    async with router() as client:
        for path in ("/", "/graphql"):
            body = b'{"query":"{count}"}'
            reply = await client.request("POST", body, {"content-type": "application/json"}, path=path)
            assert reply.json == {"data": {"count": 1}}
        assert (await client.request("POST", b"", PREFLIGHT, path="//graphql")).status == 404


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        (f"{GRAPHQL}, application/json;q=0.9", GRAPHQL),
        (f"application/json;q=0.5, {GRAPHQL};q=0.8", GRAPHQL),
        (f"application/json, {GRAPHQL}", "application/json"),
        (f"{GRAPHQL};q=0, application/json;q=0.1", "application/json"),
        (f"{GRAPHQL}, application/graphql+json, application/json, text/event-stream, multipart/mixed", GRAPHQL),
        ("text/event-stream, application/json", "application/json"),
    ],
)
async def test_the_media_type_follows_quality_and_then_order(accept: str | None, content_type: str) -> None:
    async with router() as client:
        reply = await client.post("{ count }", headers={"accept": accept} if accept else {})
    assert (reply.status, reply.headers["content-type"]) == (200, f"{content_type}; charset=utf-8")


async def test_a_client_that_reads_only_event_streams_gets_its_query_in_one() -> None:
    async with router() as client:
        reply = await client.post("{ count }", headers={"accept": "text/event-stream"})
        bad = await client.post("{ nothing }", headers={"accept": "text/event-stream"})
    assert reply.body == b'event: next\ndata: {"data":{"count":1}}\n\nevent: complete\ndata: \n\n'
    assert b"GRAPHQL_VALIDATION_FAILED" in bad.body
    assert bad.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("query", ["{ hello", "{ nothing }", "query ($n: Int!) { count @skip(if: false) hello }"])
async def test_errors_in_the_document_are_400_unless_plain_json_was_asked_for_by_name(query: str) -> None:
    async with router() as client:
        statuses = [
            (await client.post(query, headers={"accept": accept})).status
            for accept in (GRAPHQL, "*/*", "application/json")
        ]
    assert statuses == [400, 400, 200]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_GRAPHQL_REQUEST"),
        (b"{", "INVALID_GRAPHQL_REQUEST"),
        (b"null", "INVALID_GRAPHQL_REQUEST"),
        (b'"{count}"', "INVALID_GRAPHQL_REQUEST"),
        (b"{}", "MISSING_QUERY_STRING"),
        (b'{"query":1}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}","variables":[]}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}","extensions":""}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}","operationName":1}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}","operationName":"' + b"A" * 600 + b'"}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count} #\xff"}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count} #\\ud800"}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}\\u0000"}', "PARSING_ERROR"),
        (b'{"query":"{count}","query":"{count}"}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}","variables":{"a":{"b":1,"b" :2}}}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}","variables":{"a":NaN}}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}","variables":{"a":1e999}}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}","variables":{"a":' + b"9" * 100_000 + b"}}", "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}","variables":{"a":99999999999999999999}}', "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{count}","variables":{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}}", "INVALID_GRAPHQL_REQUEST"),
        (b'[{"query":"{count}"}]', "BATCHING_NOT_ENABLED"),
        (b"[]", "BATCHING_NOT_ENABLED"),
        (b'{"query":"{__schema{queryType{name}}}"}', "INTROSPECTION_DISABLED"),
        (b'{"query":"query A{count}","operationName":"B"}', "GRAPHQL_UNKNOWN_OPERATION_NAME"),
        (b'{"query":"query($a:Int!){hello(name:\\"x\\")count @skip(if:false)}"}', "GRAPHQL_VALIDATION_FAILED"),
        (b'{"query":"query($a:String!){hello(name:$a)}"}', "VALIDATION_INVALID_TYPE_VARIABLE"),
    ],
    ids=lambda value: repr(value[:48]) if isinstance(value, bytes) else None,
)
async def test_a_bad_request_is_400_with_the_code_for_it(body: bytes, code: str) -> None:
    async with router() as client:
        reply = await client.request("POST", body, {"content-type": "application/json"})
    assert (reply.status, reply.codes) == (400, [code])


async def test_a_string_that_looks_like_a_key_is_no_duplicate() -> None:
    async with router() as client:
        reply = await client.post("query ($n: String) { hello(name: $n) }", variables={"n": '": "query": '})
    assert reply.json == {"data": {"hello": 'hello ": "query": '}}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"content-type": "text/plain"}, (400, "CSRF_ERROR")),
        ({"content-type": "application/x-www-form-urlencoded"}, (400, "CSRF_ERROR")),
        ({}, (400, "CSRF_ERROR")),
        (PREFLIGHT, (415, "INVALID_CONTENT_TYPE_HEADER")),
        ({"content-type": "application/xml"}, (415, "INVALID_CONTENT_TYPE_HEADER")),
        ({"content-type": "application/json; charset=utf-16"}, (415, "INVALID_CONTENT_TYPE_HEADER")),
        ({"content-type": "application/json", "content-encoding": "gzip"}, (415, "INVALID_CONTENT_TYPE_HEADER")),
        ({"content-type": "application/json", "accept": "image/png"}, (406, "INVALID_ACCEPT_HEADER")),
        ({"content-type": "application/json", "content-length": "2000001"}, (413, "INVALID_GRAPHQL_REQUEST")),
        ({"content-type": "application/json", "x-long": "a" * 100_000}, (431, "HEADER_FIELDS_TOO_LARGE")),
        ({"content-type": "application/json", **{f"x-{n}": "" for n in range(200)}}, (431, "HEADER_FIELDS_TOO_LARGE")),
    ],
)
async def test_headers_the_router_cannot_serve_have_their_status(
    headers: dict[str, str], expected: tuple[int, str]
) -> None:
    async with router() as client:
        reply = await client.request("POST", b'{"query":"{count}"}', headers)
    assert (reply.status, reply.codes[0]) == expected


async def test_a_body_over_the_limit_is_refused_whatever_its_header_says() -> None:
    async with router("limits: {http_max_request_bytes: 100}") as client:
        reply = await client.post("{ count } #" + "x" * 100)
    assert (reply.status, reply.codes) == (413, ["INVALID_GRAPHQL_REQUEST"])


async def test_get_serves_queries_and_nothing_else() -> None:
    async with router() as client:
        ok = await client.get(
            "/", "query=query(%24n%3AString)%7Bhello(name%3A%24n)%7D&variables=%7B%22n%22%3A%22x%22%7D", PREFLIGHT
        )
        mutation = await client.get("/", "query=mutation%7Bping%7D", PREFLIGHT)
        simple = await client.get("/", "query=%7Bcount%7D")
        form = await client.get("/", "query=%7Bcount%7D", {"content-type": "application/xml"})
        twice = await client.get("/", "query=%7Bcount%7D&query=%7Bcount%7D", PREFLIGHT)
        bad = await client.get("/", "query=%7Bcount%7D&variables=%7B", PREFLIGHT)
    assert ok.json == {"data": {"hello": "hello x"}}
    assert (mutation.status, mutation.headers["allow"], mutation.codes) == (405, "POST", ["MUTATION_FORBIDDEN"])
    assert [simple.codes, form.codes] == [["CSRF_ERROR"], ["CSRF_ERROR"]]
    assert [twice.status, bad.status] == [400, 400]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "TRACE"])
async def test_other_methods_are_not_allowed(method: str) -> None:
    async with router() as client:
        reply = await client.request(method)
    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST, OPTIONS")


async def test_a_batch_is_answered_entry_by_entry_when_batching_is_on() -> None:
    async with router("batching: {enabled: true, maximum_size: 3}") as client:
        reply = await client.post_json([{"query": "{ count }"}, {"query": "{ x }"}, 7])
        empty = await client.post_json([])
        long = await client.post_json([{"query": "{ count }"}] * 4)
    first, second, third = reply.json
    assert first == {"data": {"count": 1}}
    assert [entry["errors"][0]["extensions"]["code"] for entry in (second, third)] == [
        "GRAPHQL_VALIDATION_FAILED",
        "INVALID_GRAPHQL_REQUEST",
    ]
    assert (empty.codes, long.codes, long.status) == (["BATCHING_ERROR"], ["BATCH_LIMIT_EXCEEDED"], 422)


def persisted(text: str, version: int = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}


async def test_a_persisted_query_is_known_by_its_hash_once_it_was_sent_and_valid() -> None:
    text = "{ count }"
    async with router() as client:
        unknown = await client.post(extensions=persisted(text))
        sent = await client.post(text, extensions=persisted(text))
        known = await client.post(extensions=persisted(text))
        invalid = await client.post("{ x }", extensions=persisted("{ x }"))
        still_unknown = await client.post(extensions=persisted("{ x }"))
        mismatch = await client.post("{ hello }", extensions=persisted(text))
        version = await client.post(text, extensions=persisted(text, version=2))
    assert (unknown.status, unknown.codes) == (200, ["PERSISTED_QUERY_NOT_FOUND"])
    assert unknown.json["errors"][0]["message"] == "PersistedQueryNotFound"
    assert sent.json == known.json == {"data": {"count": 1}}
    assert (invalid.codes, still_unknown.codes) == (["GRAPHQL_VALIDATION_FAILED"], ["PERSISTED_QUERY_NOT_FOUND"])
    assert (mismatch.status, mismatch.codes) == (400, ["PERSISTED_QUERY_HASH_MISMATCH"])
    assert version.status == 400


async def test_the_store_of_persisted_queries_forgets_the_oldest() -> None:
    async with router("apq: {router: {cache: {in_memory: {limit: 2}}}}") as client:
        for text in ("{ a: count }", "{ b: count }", "{ c: count }"):
            await client.post(text, extensions=persisted(text))
        assert (await client.post(extensions=persisted("{ a: count }"))).codes == ["PERSISTED_QUERY_NOT_FOUND"]
        assert (await client.post(extensions=persisted("{ c: count }"))).json == {"data": {"c": 1}}


async def test_persisted_queries_can_be_switched_off() -> None:
    async with router("apq: {enabled: false}") as client:
        reply = await client.post("{ count }", extensions=persisted("{ count }"))
    assert reply.codes == ["PERSISTED_QUERY_NOT_SUPPORTED"]


async def test_introspection_is_answered_when_it_is_on() -> None:
    async with router("supergraph: {introspection: true}") as client:
        reply = await client.post('{ __type(name: "Vault") { fields { name } } count }')
    assert reply.json == {"data": {"__type": {"fields": [{"name": "id"}]}, "count": 1}}


async def test_a_request_that_takes_too_long_is_504() -> None:
    async with router("traffic_shaping: {router: {timeout: 50ms}}") as client:
        reply = await client.post("{ sleep(seconds: 5) }")
    assert (reply.status, reply.codes) == (504, ["GATEWAY_TIMEOUT"])


async def test_a_slow_subgraph_costs_its_fields_and_not_the_answer() -> None:
    async with router("traffic_shaping: {all: {timeout: 50ms, retry: {enabled: false}}}") as client:
        reply = await client.post("{ sleep(seconds: 5) }")
    assert (reply.status, reply.json["data"], reply.codes) == (200, {"sleep": None}, ["GATEWAY_TIMEOUT"])


async def test_errors_of_subgraphs_are_redacted_unless_included() -> None:
    async with router() as client:
        redacted = await client.post("{ boom count }")
    async with router("include_subgraph_errors: {subgraphs: {tiny: true}}") as client:
        shown = await client.post("{ boom count }")
    assert redacted.json["data"] == shown.json["data"] == {"boom": None, "count": 1}
    assert b"hunter2" not in redacted.body
    assert redacted.json["errors"][0]["message"] == "Subgraph errors redacted"
    assert "hunter2" in shown.json["errors"][0]["message"]


async def test_what_no_subgraph_can_give_is_refused_and_no_fault_of_the_server() -> None:
    unsatisfiable = SUPERGRAPH.replace(
        "enum join__Graph {", 'enum join__Graph { OTHER @join__graph(name: "other", url: "http://127.0.0.1:1/")'
    ).replace(
        "type User @join__type(graph: TINY) {",
        "type User @join__type(graph: TINY) @join__type(graph: OTHER) { lost: Int @join__field(graph: OTHER)",
    )
    async with running(create_router_app(parse_config("", {}), unsatisfiable)) as client:
        reply = await client.post("{ user { lost } }")
    assert (reply.status, reply.codes) == (400, ["VALIDATION_PLANNING_ERROR"])


async def test_a_supergraph_with_a_key_that_cannot_be_read_is_refused_at_start() -> None:
    old, new = "type User @join__type(graph: TINY)", 'type User @join__type(graph: TINY, key: "lost")'
    with pytest.raises(ConfigurationError, match=r'takes "User\.lost", which does not exist'):
        async with open_engine(parse_config("", {}), SUPERGRAPH.replace(old, new)):
            pass


def app_without_its_database() -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    return app


async def test_a_subgraph_in_process_that_does_not_start_is_named() -> None:
    config = f"override_subgraph_url: {{tiny: 'asgi://{__name__}:app_without_its_database'}}"
    with pytest.raises(ConfigurationError, match=r"^subgraph tiny: the application did not start: no database$"):
        async with open_engine(parse_config(config, {}), SUPERGRAPH):
            pass


async def test_a_plan_is_shown_to_those_who_ask_where_that_is_allowed() -> None:
    async with router("expose_query_plan: true") as client:
        full = await client.post("{ count }", headers={"apollo-expose-query-plan": "true"})
        dry = await client.post("{ count }", headers={"apollo-expose-query-plan": "dry-run"})
        plain = await client.post("{ count }")
    async with router() as client:
        refused = await client.post("{ count }", headers={"apollo-expose-query-plan": "true"})
    plan = full.json["extensions"]["apolloQueryPlan"]
    assert (plan["object"]["kind"], plan["object"]["node"]["kind"]) == ("QueryPlan", "Fetch")
    assert plan["text"].startswith("QueryPlan {")
    assert (full.json["data"], dry.json["data"]) == ({"count": 1}, None)
    assert plain.json == refused.json == {"data": {"count": 1}}
