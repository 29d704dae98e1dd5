"""Background work around the provider: things done now and then, and all of it ended before the connections are."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from common.subgraph.due import Signal
from common.subgraph.runtime import Worker

_PAUSE_S = 1.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class NowAndThen:
    """Worker that calls `do` at its start, whenever it is woken, and every `pause_s` seconds."""

    do: Callable[[], Awaitable[object]]
    pause_s: float
    signal: Signal = field(default_factory=Signal)
    _is_stopping: bool = field(default=False, init=False)

    def stop(self) -> None:
        self._is_stopping = True
        self.signal.wake()

    async def run(self) -> None:
        while not self._is_stopping:
            await self.do()
            await self.signal.wait(self.pause_s)


@dataclass(slots=True)
class LastToClose:
    """Worker around workers: when all of them have ended, `close` is called."""

    workers: Sequence[Worker]
    close: Callable[[], Awaitable[None]]
    _is_stopping: bool = field(default=False, init=False)

    def stop(self) -> None:
        self._is_stopping = True
        for worker in self.workers:
            worker.stop()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for worker in self.workers:
                    tasks.create_task(self._keep_running(worker))
        finally:
            await self.close()

    async def _keep_running(self, worker: Worker) -> None:
        """One that fails is started again: the others go on."""
        while True:
            try:
                await worker.run()
            except Exception:
                # border: of a worker
                _log.exception("worker failed", worker=type(worker).__name__)
                if self._is_stopping:
                    return
                await asyncio.sleep(_PAUSE_S)
            else:
                return
