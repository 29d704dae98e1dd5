"""Health of a process: alive (answers at all) and ready (its dependencies answer too), as JSON for `/health`.

A dependency that is not critical makes the process degraded, not unready: it still serves what it can. While draining
it is alive but not ready, so that load balancers turn away before the door closes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson


class HealthStatus(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """`check` returns if the dependency works and raises if not."""

    name: str
    check: Callable[[], Awaitable[object]]
    timeout_s: float = 2.0
    is_critical: bool = True


@dataclass(frozen=True, slots=True)
class CheckResult:
    name: str
    is_ok: bool
    is_critical: bool
    duration_ms: float
    #: kind of the failure, None if it works; never its text, which may name hosts and users
    error: str | None


@dataclass(frozen=True, slots=True)
class HealthReport:
    service: str
    status: HealthStatus
    checks: tuple[CheckResult, ...] = ()

    @property
    def http_status(self) -> int:
        return 200 if self.status in (HealthStatus.OK, HealthStatus.DEGRADED) else 503

    @property
    def body(self) -> bytes:
        """JSON: `{"service", "status", "checks": {name: {"status", "critical", "duration_ms", "error"}}}`."""
        checks = {
            result.name: {
                "status": "ok" if result.is_ok else "failed",
                "critical": result.is_critical,
                "duration_ms": result.duration_ms,
                **({"error": result.error} if result.error else {}),
            }
            for result in self.checks
        }
        return orjson.dumps({"service": self.service, "status": self.status.value, "checks": checks})


class Health:
    """The checks of one service. All run at once, each under its own timeout."""

    def __init__(self, service: str, checks: Sequence[HealthCheck] = ()) -> None:
        self._service = service
        self._checks = tuple(checks)
        self._is_draining = False
        #: checks that were told to give up and have not yet: a frozen server can hold its driver for long
        self._stuck: set[asyncio.Task[None]] = set()

    def start_draining(self) -> None:
        """From now on not ready, for good."""
        self._is_draining = True

    def live(self) -> HealthReport:
        """Says only that the process answers: a restart does not cure a missing dependency."""
        return HealthReport(self._service, HealthStatus.OK)

    async def ready(self) -> HealthReport:
        if self._is_draining:
            return HealthReport(self._service, HealthStatus.DRAINING)
        results = tuple(await asyncio.gather(*(self._run(check) for check in self._checks)))
        failed = [result for result in results if not result.is_ok]
        if any(result.is_critical for result in failed):
            status = HealthStatus.UNAVAILABLE
        else:
            status = HealthStatus.DEGRADED if failed else HealthStatus.OK
        return HealthReport(self._service, status, results)

    async def _run(self, check: HealthCheck) -> CheckResult:
        started_at = time.perf_counter()
        try:
            await self._bounded(check)
            error = None
        except Exception as exc:  # a border: whatever a check raises is its answer
            error = "timeout" if isinstance(exc, TimeoutError) else type(exc).__name__
        duration_ms = round((time.perf_counter() - started_at) * 1000, 2)
        return CheckResult(check.name, error is None, check.is_critical, duration_ms, error)

    async def _bounded(self, check: HealthCheck) -> None:
        """Raises TimeoutError in time, even if the check does not heed its cancellation; such ones do not pile up."""
        if any(task.get_name() == check.name for task in self._stuck):
            raise TimeoutError
        task = asyncio.create_task(_call(check), name=check.name)
        try:
            done, _ = await asyncio.wait({task}, timeout=check.timeout_s)
        finally:
            if not task.done():
                task.cancel()
                self._stuck.add(task)
                task.add_done_callback(self._forget)
        if not done:
            raise TimeoutError
        task.result()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._stuck.discard(task)
        if not task.cancelled():
            task.exception()  # nobody waits for it any more


async def _call(check: HealthCheck) -> None:
    await check.check()
