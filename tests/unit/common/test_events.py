"""The envelope of events, and turns per aggregate."""

import asyncio

import orjson
import pytest
from opentelemetry.sdk.trace import TracerProvider

from common.events import MalformedEventError, decode_event, encode_event, new_event, subject_filter
from common.events.turns import Turns
from tests.kit.clock import FrozenClock

pytestmark = pytest.mark.anyio


def _event(event_type: str = "orders.order.placed", aggregate_id: str = "ord_1") -> bytes:
    event = new_event(
        event_type,
        aggregate_id=aggregate_id,
        aggregate_version=1,
        payload={"total_minor": 2**60},
        source="orders",
        clock=FrozenClock(),
    )
    return encode_event(event)


def test_what_follows_from_an_event_names_it_as_its_cause_and_shares_its_origin() -> None:
    clock = FrozenClock()
    first = new_event("a.b.c", aggregate_id="x", aggregate_version=1, payload={}, source="a", clock=clock, user_id="u")
    second = new_event("d.e.f", aggregate_id="y", aggregate_version=1, payload={}, source="d", clock=clock, cause=first)
    third = new_event("g.h.i", aggregate_id="z", aggregate_version=1, payload={}, source="g", clock=clock, cause=second)
    assert (third.metadata.correlation_id, third.metadata.causation_id) == (str(first.event_id), str(second.event_id))
    assert third.metadata.user_id == "u"
    assert first.subject == "events.a.b.c.x"


def test_an_event_carries_the_trace_it_was_recorded_in() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("tests")
    with tracer.start_as_current_span("x") as span:
        event = decode_event(_event())
    context = span.get_span_context()
    assert event.metadata.trace_id == f"{context.trace_id:032x}"
    assert event.metadata.traceparent is not None
    assert event.metadata.traceparent.startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")


@pytest.mark.parametrize(
    "event_type", ["", "placed", "Orders.order", "orders..placed", "orders.*", "orders.>", "a.b c"]
)
def test_a_type_that_would_change_the_subject_is_refused(event_type: str) -> None:
    with pytest.raises(ValueError, match="not an event type"):
        _event(event_type)


@pytest.mark.parametrize("aggregate_id", ["", "a.b", "*", ">", "a b", "a\r\nPUB x", "a" * 101])
def test_an_aggregate_id_that_would_change_the_subject_is_refused(aggregate_id: str) -> None:
    with pytest.raises(ValueError, match="not an aggregate id"):
        _event(aggregate_id=aggregate_id)


def test_members_of_later_versions_are_ignored() -> None:
    document = orjson.loads(_event())
    assert decode_event(orjson.dumps(document | {"new": 1})) == decode_event(orjson.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        {"event_id": "7"},
        {"type": "orders.>"},
        {"aggregate_id": "a.b"},
        {"aggregate_version": "1"},
        {"occurred_at": "2026-05-01T12:00:00"},
        {"payload": []},
        {"metadata": None},
    ],
)
def test_what_is_no_event_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(MalformedEventError):
        decode_event(orjson.dumps(orjson.loads(_event()) | change))


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"payload":' * 100_000])
def test_bytes_that_are_no_event_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedEventError):
        decode_event(data)


def test_patterns_of_types_are_subjects_of_any_aggregate() -> None:
    assert subject_filter("orders.order.confirmed") == "events.orders.order.confirmed.*"
    assert subject_filter("payments.payment.*") == "events.payments.payment.*.*"
    assert subject_filter("orders.>") == "events.orders.>"


async def test_turns_are_taken_in_order_per_key_and_leave_nothing_behind() -> None:
    turns = Turns()
    order: list[str] = []

    async def take(key: str, name: str) -> None:
        async with turns.of(key):
            order.append(name)
            await asyncio.sleep(0.001)

    tasks = [asyncio.create_task(take(key, f"{key}{number}")) for number in range(5) for key in "ab"]
    await asyncio.sleep(0)
    tasks[4].cancel()
    await asyncio.wait(tasks)
    assert [name for name in order if name[0] == "a"] == ["a0", "a1", "a3", "a4"]
    assert [name for name in order if name[0] == "b"] == ["b0", "b1", "b2", "b3", "b4"]
    assert len(turns) == 0
