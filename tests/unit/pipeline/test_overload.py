"""More requests than subgraphs can answer: who is refused, how, and what it says of the subgraph's health."""

from __future__ import annotations

import asyncio

import pytest

from common.errors import CircuitOpenError as OpenCircuit
from common.resilience import AdaptiveLimit, CircuitBreaker
from router.config.http import ReadinessConfig
from router.execution.model import ErrorRecord, ExecutionResult
from router.operation import DocumentLimits, normalize_operation, parse_document
from router.pipeline.readiness import Readiness
from router.pipeline.run import was_shed
from router.pipeline.subgraph_layers import BreakerLayer, LimitLayer
from router.supergraph import load_supergraph
from router.transport.errors import OverloadedError, RequestTimedOutError
from router.transport.model import SubgraphRequest, SubgraphResponse
from tests.kit.clock import FrozenClock
from tests.kit.fake_subgraph import FakeSubgraph
from tests.kit.tiny_subgraph import SUPERGRAPH
from tests.unit.pipeline.setting import router

pytestmark = pytest.mark.anyio
REQUEST = SubgraphRequest("tiny", b"{}")


async def test_of_two_requests_for_the_only_place_one_is_served_and_one_told_to_come_back() -> None:
    shaping = "traffic_shaping: {all: {timeout: 4s, concurrency: {max: 1}}}"
    async with router(shaping) as client:
        replies = await asyncio.gather(*(client.post("{ sleep(seconds: 3600) }") for _ in range(2)))
        metrics = (await client.get("/metrics")).body
    late, shed = sorted(replies, key=lambda reply: reply.status)
    assert (late.status, late.codes) == (200, ["GATEWAY_TIMEOUT"])
    assert (shed.status, shed.codes) == (503, ["REQUEST_CONCURRENCY_LIMITED"])
    assert shed.headers["retry-after"] == "1"
    assert b'punnet_subgraph_concurrency_limit{subgraph="tiny"} 1.0' in metrics


async def test_a_call_without_a_place_is_not_sent() -> None:
    fake = FakeSubgraph()
    limit = AdaptiveLimit(0.02, highest=1)
    assert limit.take()
    with pytest.raises(OverloadedError):
        await LimitLayer(fake, limit).send(REQUEST)
    assert fake.asked == []


@pytest.mark.parametrize("failure", [RequestTimedOutError("late"), asyncio.CancelledError()])
async def test_a_place_is_free_again_whatever_became_of_the_call(failure: BaseException) -> None:
    limit = AdaptiveLimit(10, highest=1)
    with pytest.raises(type(failure)):
        await LimitLayer(FakeSubgraph(lambda body: failure), limit).send(REQUEST)
    assert limit.in_flight == 0


async def test_a_subgraph_that_is_late_for_some_while_it_answers_others_is_not_cut_off() -> None:
    breaker = CircuitBreaker("tiny", fail_max=3, clock=FrozenClock())
    fate: list[asyncio.Future[SubgraphResponse]] = []

    def answer(body: object) -> asyncio.Future[SubgraphResponse]:
        fate.append(asyncio.get_running_loop().create_future())
        return fate[-1]

    layer = BreakerLayer(FakeSubgraph(answer), breaker)
    calls = [asyncio.create_task(layer.send(REQUEST)) for _ in range(8)]
    await asyncio.sleep(0)
    fate[0].set_result(SubgraphResponse(200, b"{}"))
    await calls[0]
    for late in fate[1:]:
        late.set_exception(RequestTimedOutError("late"))
    await asyncio.gather(*calls, return_exceptions=True)
    assert not breaker.is_open


async def test_a_subgraph_that_says_nothing_to_anybody_is_cut_off() -> None:
    breaker = CircuitBreaker("tiny", fail_max=3, clock=FrozenClock())
    layer = BreakerLayer(FakeSubgraph(lambda body: RequestTimedOutError("late")), breaker)
    for _ in range(3):
        with pytest.raises(RequestTimedOutError):
            await layer.send(REQUEST)
    with pytest.raises(OpenCircuit):
        breaker.admit()


def shed(*path: str | int) -> ErrorRecord:
    return {"message": "", "path": list(path), "extensions": {"code": "REQUEST_CONCURRENCY_LIMITED"}}


@pytest.mark.parametrize(
    ("query", "data", "errors", "was_refused"),
    [
        ("{ count user { name } }", {"count": None, "user": None}, [shed("count"), shed("user")], True),
        ("{ count user { name } }", None, [shed()], True),
        ("{ count user { name } }", {"count": 1, "user": None}, [shed("user")], False),
        ("{ user { salary } }", {"user": None}, [shed("user", "salary")], False),
        ("{ count }", {"count": None}, [shed("count"), {"message": "", "extensions": {}}], False),
        ("mutation { ping }", {"ping": None}, [shed("ping")], True),
        ("mutation { a: ping b: ping }", {"a": None, "b": None}, [shed("b")], False),
    ],
)
def test_a_request_is_refused_as_a_whole_only_when_nothing_of_it_was_done(
    query: str, data: dict[str, object] | None, errors: list[ErrorRecord], was_refused: bool
) -> None:
    schema = load_supergraph(SUPERGRAPH).api_schema
    operation = normalize_operation(parse_document(query, DocumentLimits()), schema)
    assert was_shed(operation, ExecutionResult(data, tuple(errors))) == was_refused


def test_readiness_counts_what_was_refused_as_apollo_does() -> None:
    config = ReadinessConfig.model_validate({"allowed": 2, "interval": {"sampling": "5s"}})
    clock = FrozenClock()
    readiness = Readiness(config, clock)

    def after(*statuses: int) -> bool:
        for status in statuses:
            readiness.answered(status)
        return readiness.is_ready

    assert [after(200, 400, 500, 503, 504), after(200), after(503)] == [True, True, False]
    clock.advance(9.9)
    assert not after()
    clock.advance(0.1)
    assert [after(), after(503, 503)] == [True, True]
    clock.advance(5)
    assert after(503, 503), "those before were of another window"


async def test_a_router_that_refuses_too_much_is_not_ready_but_alive() -> None:
    config = """
    health_check: {readiness: {allowed: 0, interval: {sampling: 1h, unready: 1h}}}
    traffic_shaping: {router: {timeout: 10ms}}
    """
    async with router(config) as client:
        before = (await client.get("/health", query_string="ready")).status
        refused = (await client.post("{ sleep(seconds: 3600) }")).status
        after = [(await client.get("/health", query_string=question)).status for question in ("ready", "live", "")]
    assert (before, refused, after) == (200, 504, [503, 200, 200])
