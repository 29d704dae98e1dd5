"""Commands between subgraphs over real NATS: answers, refusals, and what the caller knows when there is no answer."""

import asyncio
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from common.errors import ConflictError, DeadlineExceededError, UnavailableError
from common.events import Bus, CommandError
from common.resilience import deadline_scope, remaining_s

pytestmark = pytest.mark.anyio


async def test_the_answer_is_what_the_handler_returned(bus: Bus, domain: str) -> None:
    async def reserve(payload: dict[str, Any]) -> dict[str, Any]:
        return {"lines": payload["lines"], "expires_at": "2026-05-01T12:00:00Z"}

    await bus.serve(f"commands.{domain}.reserve", reserve)
    answer = await bus.request(
        f"commands.{domain}.reserve", {"lines": [{"sku": "Käse-1", "quantity": 2}]}, timeout_s=60
    )
    assert answer == {"lines": [{"sku": "Käse-1", "quantity": 2}], "expires_at": "2026-05-01T12:00:00Z"}


async def test_a_refusal_keeps_its_code_and_details(bus: Bus, domain: str) -> None:
    async def reserve(_: dict[str, Any]) -> dict[str, Any]:
        raise CommandError("INSUFFICIENT_STOCK", "not enough", details={"shortages": [{"sku": "a", "available": 1}]})

    await bus.serve(f"commands.{domain}.reserve", reserve)
    with pytest.raises(CommandError, match="not enough") as refusal:
        await bus.request(f"commands.{domain}.reserve", {}, timeout_s=60)
    assert (refusal.value.code, refusal.value.is_retryable, refusal.value.details) == (
        "INSUFFICIENT_STOCK",
        False,
        {"shortages": [{"sku": "a", "available": 1}]},
    )


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (ConflictError("the order is paid already"), "CONFLICT", "the order is paid already"),
        (UnavailableError("postgres at 10.0.0.7 is away"), "SERVICE_UNAVAILABLE", "The service is unavailable"),
        (RuntimeError("password is hunter2"), "INTERNAL_ERROR", "Internal server error"),
    ],
)
async def test_our_errors_cross_by_code_and_others_without_their_text(
    bus: Bus, domain: str, raised: Exception, code: str, message: str
) -> None:
    async def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise raised

    await bus.serve(f"commands.{domain}.fail", fail)
    with pytest.raises(CommandError, match=message) as refusal:
        await bus.request(f"commands.{domain}.fail", {}, timeout_s=60)
    assert refusal.value.code == code


async def test_a_command_nobody_serves_fails_at_once_as_not_executed(bus: Bus, domain: str) -> None:
    async with asyncio.timeout(60):
        with pytest.raises(UnavailableError, match="nobody serves"):
            await bus.request(f"commands.{domain}.reserve", {}, timeout_s=600)


async def test_no_answer_in_time_leaves_the_outcome_unknown(bus: Bus, domain: str) -> None:
    executed = asyncio.Event()

    async def slow(_: dict[str, Any]) -> dict[str, Any]:
        executed.set()
        await asyncio.sleep(600)
        return {}

    await bus.serve(f"commands.{domain}.slow", slow)
    # a slow machine may take a second to deliver it, and what is late is not executed
    for timeout_s in (0.5, 2.0, 8.0, 32.0):
        with pytest.raises(DeadlineExceededError):
            await bus.request(f"commands.{domain}.slow", {}, timeout_s=timeout_s)
        if executed.is_set():
            break
    assert executed.is_set()


async def test_the_handler_inherits_the_deadline_and_the_trace_of_the_caller(nats_url: str, domain: str) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("tests")
    bus = await Bus.connect(nats_url, name="tests", tracer=tracer)
    seen: list[tuple[int, float]] = []

    async def look(_: dict[str, Any]) -> dict[str, Any]:
        seen.append((trace.get_current_span().get_span_context().trace_id, remaining_s(600)))
        return {}

    await bus.serve(f"commands.{domain}.look", look)
    with tracer.start_as_current_span("caller") as span, deadline_scope(30):
        await bus.request(f"commands.{domain}.look", {}, timeout_s=90)
    await bus.close()
    ((trace_id, left_s),) = seen
    assert trace_id == span.get_span_context().trace_id
    assert 0 < left_s <= 30


async def test_a_command_whose_caller_has_given_up_is_not_executed(bus: Bus, domain: str) -> None:
    calls: list[dict[str, Any]] = []

    async def note(payload: dict[str, Any]) -> dict[str, Any]:
        calls.append(payload)
        return {}

    await bus.serve(f"commands.{domain}.note", note)
    await bus.client.publish(
        f"commands.{domain}.note", b'{"from": "the past"}', headers={"Punnet-Expires-At-Ms": "1700000000000"}
    )
    await bus.request(f"commands.{domain}.note", {"from": "now"}, timeout_s=60)
    assert calls == [{"from": "now"}]


async def test_replicas_share_commands_and_each_runs_a_bounded_number_at_once(nats_url: str, domain: str) -> None:
    replicas = [await Bus.connect(nats_url, name=f"replica {number}") for number in range(2)]
    running_count = most_at_once = 0
    served_by: list[int] = []

    def handler_of(number: int) -> Any:
        async def handle(_: dict[str, Any]) -> dict[str, Any]:
            nonlocal running_count, most_at_once
            running_count += 1
            most_at_once = max(most_at_once, running_count)
            await asyncio.sleep(0.02)
            running_count -= 1
            served_by.append(number)
            return {}

        return handle

    for number, replica in enumerate(replicas):
        await replica.serve(f"commands.{domain}.work", handler_of(number), concurrency=3)
    await asyncio.gather(*(replicas[0].request(f"commands.{domain}.work", {}, timeout_s=60) for _ in range(40)))
    for replica in replicas:
        await replica.close()
    assert set(served_by) == {0, 1}
    assert len(served_by) == 40
    assert most_at_once <= 6


async def test_closing_the_bus_answers_the_command_in_hand(nats_url: str, bus: Bus, domain: str) -> None:
    server = await Bus.connect(nats_url, name="server")
    has_begun = asyncio.Event()

    async def slow(_: dict[str, Any]) -> dict[str, Any]:
        has_begun.set()
        await asyncio.sleep(0.3)
        return {"done": True}

    await server.serve(f"commands.{domain}.slow", slow)
    asking = asyncio.create_task(bus.request(f"commands.{domain}.slow", {}, timeout_s=60))
    await has_begun.wait()
    await server.close()
    assert await asking == {"done": True}


async def test_a_bus_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        await Bus.connect("nats://127.0.0.1:9", name="tests", connect_timeout_s=0.5)
