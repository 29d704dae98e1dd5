"""Health: what load balancers and operators are told."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest

from common.health import Health, HealthCheck
from tests.kit.virtual_time import VIRTUAL_TIME, Backend

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Backend:
    return VIRTUAL_TIME


async def _works() -> None:
    pass


async def _fails() -> None:
    raise ConnectionError("postgres://shop:hunter2@10.0.0.7 is away")


async def _hangs() -> None:
    await asyncio.sleep(60)


async def _ready(*checks: HealthCheck) -> tuple[int, dict[str, Any]]:
    report = await Health("orders", checks).ready()
    return report.http_status, json.loads(report.body)


async def test_ready_when_every_dependency_answers() -> None:
    status, body = await _ready(HealthCheck("database", _works), HealthCheck("bus", _works))
    assert status == 200
    assert (body["service"], body["status"]) == ("orders", "ok")
    assert {name: check["status"] for name, check in body["checks"].items()} == {"database": "ok", "bus": "ok"}


async def test_unready_without_a_critical_dependency_degraded_without_another() -> None:
    status, body = await _ready(HealthCheck("database", _fails), HealthCheck("cache", _works, is_critical=False))
    assert (status, body["status"], body["checks"]["database"]["error"]) == (503, "unavailable", "ConnectionError")
    status, body = await _ready(HealthCheck("database", _works), HealthCheck("cache", _fails, is_critical=False))
    assert (status, body["status"], body["checks"]["cache"]["status"]) == (200, "degraded", "failed")


async def test_what_a_check_raises_is_not_shown() -> None:
    report = await Health("orders", [HealthCheck("database", _fails)]).ready()
    assert b"hunter2" not in report.body
    assert b"10.0.0.7" not in report.body


async def test_a_dependency_that_hangs_does_not_hang_the_answer() -> None:
    status, body = await _ready(HealthCheck("database", _hangs, timeout_s=0.05), HealthCheck("bus", _works))
    assert asyncio.get_running_loop().time() == pytest.approx(0.05)
    assert (status, body["checks"]["database"]["error"], body["checks"]["bus"]["status"]) == (503, "timeout", "ok")


async def test_a_check_that_does_not_heed_its_cancellation_is_left_behind_and_not_started_again() -> None:
    is_frozen = asyncio.Event()
    started_count = 0

    async def frozen() -> None:
        nonlocal started_count
        started_count += 1
        while not is_frozen.is_set():
            with suppress(asyncio.CancelledError):
                await is_frozen.wait()

    health = Health("orders", [HealthCheck("database", frozen, timeout_s=0.05)])
    reports = [await health.ready() for _ in range(3)]
    assert [(report.http_status, report.checks[0].error) for report in reports] == [(503, "timeout")] * 3
    assert started_count == 1
    is_frozen.set()
    await asyncio.sleep(0.01)
    assert (await health.ready()).http_status == 200


async def test_while_draining_it_is_alive_and_not_ready() -> None:
    health = Health("orders", [HealthCheck("database", _works)])
    health.start_draining()
    report = await health.ready()
    assert (report.status, report.http_status) == ("draining", 503)
    assert (health.live().status, health.live().http_status) == ("ok", 200)
