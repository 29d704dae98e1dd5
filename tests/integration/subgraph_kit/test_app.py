"""The shell around a schema: who is let in, what is said about health, how it starts and stops."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from common.auth import ANONYMOUS, CONTEXT_HEADER, ContextSigner
from common.clock import SystemClock
from common.telemetry import Telemetry, TraceRing, answering_workers, load_spans, newest_spans, use_ring
from subgraphs.users.app import create_app
from subgraphs.users.passwords import Passwords
from subgraphs.users.seed import DEMO_ACCOUNTS
from subgraphs.users.settings import UsersSettings
from tests.kit.folders import open_folder
from tests.kit.subgraph import SECRET, SubgraphClient, as_user, fresh_database_name, running, websocket
from tests.kit.users import users_app, users_settings

pytestmark = pytest.mark.anyio

ME = {"query": "{ me { id } }"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def settings(postgres_url: str, nats_url: str) -> UsersSettings:
    return users_settings(postgres_url, nats_url)


@pytest.fixture(scope="module")
async def users(settings: UsersSettings) -> AsyncIterator[SubgraphClient]:
    async with running(users_app(settings)) as client:
        yield client


@pytest.mark.parametrize(
    "token", [None, "", "junk", ContextSigner(b"another secret of the right length", SystemClock()).sign(ANONYMOUS)]
)
async def test_without_a_signed_context_nobody_is_answered(users: SubgraphClient, token: str | None) -> None:
    headers = {} if token is None else {CONTEXT_HEADER: token}

    response = await users.http.post("/graphql", json=ME, headers=headers)
    async with websocket(users.app, headers) as (_, receive):
        closed = await receive()

    assert response.status_code == 401
    assert response.json() == {
        "errors": [
            {
                "message": "Authentication is required",
                "extensions": {"code": "UNAUTHENTICATED", "retryable": False},
            }
        ]
    }
    assert closed == {"type": "close", "code": 1008}


async def test_a_body_without_an_end_is_refused_before_it_was_read(users: SubgraphClient) -> None:
    sent_count = 0

    async def megabytes() -> AsyncIterator[bytes]:
        nonlocal sent_count
        for _ in range(200):
            sent_count += 1
            yield b" " * 1024 * 1024

    headers = users.headers(ANONYMOUS) | {"content-type": "application/json"}
    response = await users.http.post("/graphql", content=megabytes(), headers=headers)

    assert (response.status_code, sent_count) == (413, 17)
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "REQUEST_TOO_LARGE", "retryable": False}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"7", b"{}", b'{"query": 7}', b'{"query": "{ me { id } }", "variables": 7}']
)
async def test_a_body_that_is_no_request_gets_a_coded_error(users: SubgraphClient, body: bytes) -> None:
    headers = users.headers(ANONYMOUS) | {"content-type": "application/json"}

    response = await users.http.post("/graphql", content=body, headers=headers)

    assert response.status_code in (200, 400)
    assert response.json()["errors"][0]["extensions"]["code"] in ("BAD_REQUEST", "BAD_USER_INPUT")


async def test_health_and_metrics_are_open_and_name_the_dependencies(users: SubgraphClient) -> None:
    await users.data("{ me { id } }", principal=as_user(DEMO_ACCOUNTS[0].public_id))
    ready, live, metrics = [await users.http.get(path) for path in ("/health", "/health/live", "/metrics")]

    assert (ready.status_code, live.status_code, metrics.status_code) == (200, 200, 200)
    assert (await users.http.get("/traces")).status_code == 401
    assert sorted(ready.json()["checks"]) == ["nats", "postgres"]
    assert 'punnet_sql_statements_total{kind="SELECT",source="request",subgraph="users"}' in metrics.text


async def test_the_statements_of_a_request_are_spans_of_its_trace(settings: UsersSettings) -> None:
    ring = TraceRing()
    with use_ring(ring):
        app = users_app(settings)
    trace_id = "0af7651916cd43dd8448eb211c80319c"

    async with running(app) as users:
        headers = users.headers(as_user(DEMO_ACCOUNTS[0].public_id))
        traceparent = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
        await users.http.post("/graphql", json=ME, headers=headers | traceparent)
        told = [await users.http.get(path, headers=headers) for path in (f"/traces/{trace_id}", "/traces?limit=9")]
        refused = [(await users.http.get(path)).status_code for path in (f"/traces/{trace_id}", "/traces")]

    spans = ring.trace(trace_id)
    assert [span.name for span in spans] == ["POST /graphql", "SELECT user_account"]
    assert spans[1].parent_id == spans[0].span_id
    assert load_spans(told[0].content) == spans
    assert spans[0] in load_spans(told[1].content)
    assert refused == [401, 401], "without a signed context"


async def test_workers_of_a_subgraph_tell_each_others_spans(settings: UsersSettings) -> None:
    with open_folder() as folder:
        ring, other = TraceRing(workers=folder), TraceRing(workers=folder)
        Telemetry("punnet-users", ring=other).tracer.start_span("elsewhere").end()
        with use_ring(ring):
            app = users_app(settings)
        async with running(app) as users, answering_workers(other):
            told = await users.http.get("/traces", headers=users.headers(ANONYMOUS))
            asked = await newest_spans(other, 50)
    assert [span.name for span in load_spans(told.content)] == ["elsewhere"]
    assert [span.name for span in asked] == ["elsewhere"]


async def test_before_the_start_a_request_is_told_to_try_later(settings: UsersSettings) -> None:
    app = users_app(settings)
    headers = {CONTEXT_HEADER: ContextSigner(SECRET.encode(), SystemClock()).sign(ANONYMOUS)}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://subgraph") as http:
        response = await http.post("/graphql", json=ME, headers=headers)
        ready = await http.get("/health")

    assert (response.status_code, ready.status_code) == (503, 503)
    assert response.json()["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE", "retryable": True}


class SlowPasswords(Passwords):
    """Verification that takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.begun.set()
        await self.go_on.wait()
        return False


async def test_a_stop_waits_for_requests_in_flight_and_says_it_is_not_ready(settings: UsersSettings) -> None:
    passwords = SlowPasswords()
    app = create_app(settings, database_name=fresh_database_name("users"), passwords=passwords)
    document = """mutation { login(input: {email: "a@example.org", password: "x"}) { errors { __typename } } }"""
    stopping, stopped = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        async with app.router.lifespan_context(app):
            started.set()
            await stopping.wait()
        stopped.set()

    started = asyncio.Event()
    server = asyncio.create_task(run())
    await started.wait()
    client = SubgraphClient(
        app,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://subgraph"),
        ContextSigner(SECRET.encode(), SystemClock()),
    )
    async with client.http:
        login = asyncio.create_task(client.data(document))
        await passwords.begun.wait()
        stopping.set()
        await asyncio.sleep(0.05)
        ready = await client.http.get("/health")
        was_stopped_early = stopped.is_set()
        passwords.go_on.set()
        answer = await login
    await server

    assert (ready.status_code, ready.json()["status"], was_stopped_early) == (503, "draining", False)
    assert answer == {"login": {"errors": [{"__typename": "BadCredentialsError"}]}}
