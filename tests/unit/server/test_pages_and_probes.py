"""What the server answers besides GraphQL: pages, CORS, health, metrics."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.unit.pipeline.setting import router

pytestmark = pytest.mark.anyio
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    for name in ("main.js", "main.css", "chunk-ABC.js"):
        (tmp_path / name).write_text(f"/* {name} */")
    (tmp_path / "examples.json").write_text('[{"query": "{ count }"}]')
    (tmp_path.parent / "secret.txt").write_text("secret")
    return tmp_path


async def test_a_browser_gets_graphiql_and_all_it_loads_from_here(bundle: Path) -> None:
    sandbox = f"sandbox: {{enabled: true, bundle: {bundle}, examples: {bundle}/examples.json}}"
    config = sandbox + "\nsupergraph: {path: /graphql}"
    async with router(config) as client:
        page = await client.get("/graphql", headers=HTML)
        asked_for = re.findall(r'(?:src|href|data-examples)="(/[^"]+)"', page.body.decode())
        replies = [await client.get(address) for address in asked_for]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert 'data-endpoint="/graphql"' in page.body.decode()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "connect-src 'self' ws://router.example wss://router.example;" in policy
    assert asked_for == ["/graphiql/main.css", "/graphiql/examples.json", "/graphiql/main.js"]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert [reply.headers["content-type"].partition(";")[0] for reply in replies] == [
        "text/css",
        "application/json",
        "text/javascript",
    ]


@pytest.mark.parametrize(
    "name", ["../secret.txt", "%2e%2e/secret.txt", "..\\secret.txt", "", "no.js", "a\0b", ".hidden"]
)
async def test_only_files_of_the_bundle_are_served(bundle: Path, name: str) -> None:
    async with router(f"sandbox: {{enabled: true, bundle: {bundle}}}") as client:
        assert (await client.get(f"/graphiql/{name}")).status == 404


async def test_without_its_bundle_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    async with router(f"sandbox: {{enabled: true, bundle: {tmp_path}}}") as client:
        page = await client.get("/graphql", headers=HTML)
        answer = await client.post("{ count }")
    assert page.status == 200
    assert b"<code>make web</code>" in page.body
    assert answer.json == {"data": {"count": 1}}


async def test_a_host_header_cannot_write_into_the_policy(bundle: Path) -> None:
    async with router(f"sandbox: {{enabled: true, bundle: {bundle}}}") as client:
        page = await client.get("/graphql", headers={**HTML, "host": "x; script-src *"})
    assert "script-src *" not in page.headers["content-security-policy"]


async def test_the_homepage_is_no_editor() -> None:
    async with router("homepage: {enabled: true}") as client:
        page = await client.get("/", headers=HTML)
        asset = await client.get("/graphiql/main.js")
    assert (page.status, b"<script" in page.body, asset.status) == (200, False, 404)


async def test_there_is_no_page_unless_it_is_switched_on() -> None:
    async with router() as client:
        page = await client.get("/graphql", headers={**HTML, "apollo-require-preflight": "1"})
        asset = await client.get("/graphiql/main.js")
    assert (page.codes, asset.status) == (["MISSING_QUERY_STRING"], 404)


@pytest.mark.parametrize(
    ("config", "origin", "allowed", "credentials"),
    [
        ("", "https://studio.apollographql.com", "https://studio.apollographql.com", None),
        ("", "https://evil.example", None, None),
        ("cors: {allow_any_origin: true}", "https://any.example", "*", None),
        (
            "cors: {allow_credentials: true, policies: [{match_origins: ['^https://[a-z]+[.]shop[.]example$']}]}",
            "https://www.shop.example",
            "https://www.shop.example",
            "true",
        ),
        (
            "cors: {policies: [{match_origins: ['^https://[a-z]+[.]shop[.]example$']}]}",
            "https://www.shop.example.evil.example",
            None,
            None,
        ),
        ("cors: {policies: [{origins: ['null']}]}", "null", "null", None),
    ],
)
async def test_only_known_origins_may_read_answers(
    config: str, origin: str, allowed: str | None, credentials: str | None
) -> None:
    async with router(config) as client:
        reply = await client.post("{ count }", headers={"origin": origin})
        preflight = await client.request(
            "OPTIONS", b"", {"origin": origin, "access-control-request-headers": "content-type, x-a"}
        )
    assert reply.json == {"data": {"count": 1}}
    for answer in (reply, preflight):
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert answer.headers.get("access-control-allow-credentials") == credentials
    assert preflight.status == 204
    assert preflight.headers.get("access-control-allow-headers") == ("content-type, x-a" if allowed else None)


async def test_health_is_told_in_the_words_of_apollo_and_by_path() -> None:
    async with router() as client:
        replies = [await client.get(*asked) for asked in (("/health",), ("/health", "live"), ("/health", "ready"))]
        replies += [await client.get(path) for path in ("/health/live", "/health/ready")]
        unknown = await client.get("/health/else")
    assert [(reply.status, reply.json) for reply in replies] == [(200, {"status": "UP"})] * 5
    assert unknown.status == 404


async def test_probes_can_move_and_be_switched_off() -> None:
    config = "health_check: {path: /ok}\ntelemetry: {exporters: {metrics: {prometheus: {enabled: false}}}}"
    async with router(config) as client:
        statuses = [(await client.get(path)).status for path in ("/ok", "/ok/ready", "/health", "/metrics")]
    assert statuses == [200, 200, 404, 404]


async def test_what_happens_is_counted_under_apollos_names() -> None:
    async with router() as client:
        for query in ("{ count }", "{ nothing }", "{ boom }", "{ count }", "{ count }"):
            await client.post(query)
        metrics = (await client.get("/metrics")).body.decode()
    assert "apollo_router_query_planning_plan_duration_seconds_count 2.0" in metrics
    assert 'apollo_router_graphql_error_total{code="GRAPHQL_VALIDATION_FAILED"} 1.0' in metrics
    assert 'apollo_router_cache_miss_total{kind="query planner"} 2.0' in metrics
    assert 'apollo_router_cache_hit_total{kind="query planner"} 2.0' in metrics
    assert "punnet_circuit_breaker" in metrics


async def test_health_tells_what_the_subgraphs_say_of_themselves_and_no_more() -> None:
    config = "health_check: {subgraphs: {enabled: true, path: /health/%s}}"
    answers = {}
    for state in ("well", "ill", "broken", "bare", "nowhere"):
        async with router(config % state) as client:
            reply = await client.get("/health")
            assert (await client.get("/health/ready")).json == {"status": "UP"}
        (tiny,) = reply.json["subgraphs"].values()
        del tiny["duration_ms"]
        answers[state] = (reply.status, reply.json["status"], tiny)
    assert answers == {
        "well": (200, "UP", {"status": "UP", "checks": {"postgres": "UP", "nats": "UP"}}),
        "ill": (200, "DEGRADED", {"status": "DOWN", "checks": {"postgres": "DOWN", "nats": "UP"}}),
        "broken": (200, "DEGRADED", {"status": "DOWN"}),
        "bare": (200, "UP", {"status": "UP"}),
        "nowhere": (200, "DEGRADED", {"status": "DOWN"}),
    }


async def test_asking_for_health_again_and_again_asks_subgraphs_once() -> None:
    async with router("health_check: {subgraphs: {enabled: true, path: /health/counted}}") as client:
        replies = await asyncio.gather(*(client.get("/health") for _ in range(20)))
    assert {reply.body for reply in replies} == {replies[0].body}
    assert replies[0].json["subgraphs"]["tiny"]["checks"] == {"asked-1": "UP"}
