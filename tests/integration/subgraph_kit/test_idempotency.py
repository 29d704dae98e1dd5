"""Mutations sent twice, against real transactions."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from common.clock import SystemClock
from common.errors import BadInputError
from common.events.sql import SqlConnection
from common.subgraph.database import Database, fetch
from common.subgraph.errors import IdempotencyConflictedError, IdempotencyInFlightError
from common.subgraph.idempotency import IdempotentRequest, Outcome, RejectedError, run_idempotent
from common.subgraph.postgres_url import parse_database_url
from tests.kit.clock import FrozenClock
from tests.kit.subgraph import fresh_database_name

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(parse_database_url(postgres_url), "users", name=fresh_database_name("idempotency"))
    await database.open()
    await database.migrate()
    await database.fetch("CREATE TABLE effect (id bigserial PRIMARY KEY, what text)")
    yield database
    await database.close()


def request(key: str, **body: Any) -> IdempotentRequest:
    return IdempotentRequest(caller="usr_1", operation="pay", key=key, request=body)


def effect(what: str, pause_s: float = 0.0) -> Any:
    async def run(connection: SqlConnection) -> dict[str, Any]:
        rows = await fetch(connection, "INSERT INTO effect (what) VALUES ($1) RETURNING id", [what])
        await asyncio.sleep(pause_s)
        return {"effect_id": rows[0]["id"]}

    return run


async def effect_count(database: Database, what: str) -> int:
    rows = await database.fetch("SELECT count(*)::int AS n FROM effect WHERE what = $1", [what])
    count: int = rows[0]["n"]
    return count


async def test_twenty_equal_requests_at_once_have_one_effect_and_one_answer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.subgraph.idempotency.IN_FLIGHT_WAIT_S", 60.0)  # nobody is told to come later
    outcomes = await asyncio.gather(
        *(run_idempotent(database, CLOCK, request("k1", amount="5.00"), effect("k1", 0.05)) for _ in range(20))
    )

    assert await effect_count(database, "k1") == 1
    assert len({outcome.answer["effect_id"] for outcome in outcomes}) == 1
    assert sorted(outcome.is_replay for outcome in outcomes) == [False] + [True] * 19


async def test_the_same_key_for_another_request_is_refused_without_effect(database: Database) -> None:
    await run_idempotent(database, CLOCK, request("k2", amount="5.00"), effect("k2"))

    with pytest.raises(IdempotencyConflictedError):
        await run_idempotent(database, CLOCK, request("k2", amount="6.00"), effect("k2"))
    assert await effect_count(database, "k2") == 1


async def test_keys_of_two_callers_or_operations_do_not_meet(database: Database) -> None:
    one, other = request("k3"), IdempotentRequest(caller="usr_2", operation="pay", key="k3", request={"x": 1})

    outcomes = [await run_idempotent(database, CLOCK, r, effect("k3")) for r in (one, other)]

    assert [outcome.is_replay for outcome in outcomes] == [False, False]


async def test_an_unexpected_failure_leaves_nothing_and_the_key_works_again(database: Database) -> None:
    async def fail(connection: SqlConnection) -> dict[str, Any]:
        await effect("k4")(connection)
        raise ConnectionError("provider away")

    with pytest.raises(ConnectionError):
        await run_idempotent(database, CLOCK, request("k4"), fail)
    outcome = await run_idempotent(database, CLOCK, request("k4"), effect("k4"))

    assert (outcome.is_replay, await effect_count(database, "k4")) == (False, 1)


async def test_a_refusal_is_rolled_back_but_its_answer_is_kept(database: Database) -> None:
    async def refuse(connection: SqlConnection) -> dict[str, Any]:
        await effect("k5")(connection)
        raise RejectedError({"error": "SOLD_OUT"})

    first = await run_idempotent(database, CLOCK, request("k5"), refuse)
    again = await run_idempotent(database, CLOCK, request("k5"), effect("k5"))

    assert [first, again] == [Outcome({"error": "SOLD_OUT"}, False), Outcome({"error": "SOLD_OUT"}, True)]
    assert await effect_count(database, "k5") == 0


async def test_a_request_whose_first_one_does_not_end_is_told_so(database: Database) -> None:
    clock, has_begun, may_end = FrozenClock(), asyncio.Event(), asyncio.Event()

    async def endless(connection: SqlConnection) -> dict[str, Any]:
        done: dict[str, Any] = await effect("k6")(connection)
        has_begun.set()
        await may_end.wait()
        return done

    first = asyncio.create_task(run_idempotent(database, clock, request("k6"), endless))
    await has_begun.wait()
    second = asyncio.create_task(run_idempotent(database, clock, request("k6"), effect("k6")))
    while not second.done():
        await asyncio.sleep(0.02)
        clock.advance(0.5)
    may_end.set()

    with pytest.raises(IdempotencyInFlightError):
        await second
    assert (await first).is_replay is False
    assert await effect_count(database, "k6") == 1


async def test_an_expired_key_counts_as_new(database: Database) -> None:
    clock = FrozenClock()
    await run_idempotent(database, clock, request("k7", n=1), effect("k7"))
    clock.advance(73 * 3600)

    outcome = await run_idempotent(database, clock, request("k7", n=2), effect("k7"))

    assert (outcome.is_replay, await effect_count(database, "k7")) == (False, 2)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0b"])
async def test_unusable_keys_are_refused(database: Database, key: str) -> None:
    with pytest.raises(BadInputError):
        await run_idempotent(database, CLOCK, request(key), effect("never"))
