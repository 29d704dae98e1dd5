"""Time that passes only while everybody waits: pauses cost nothing and end in their order, however slow the machine is.

For tests whose code waits on the event loop alone: threads and sockets go by the clock on the wall.

    @pytest.fixture
    def anyio_backend() -> Backend:
        return VIRTUAL_TIME
"""

import asyncio
import selectors
from typing import Any


class _Impatient(selectors.DefaultSelector):
    """Does not wait for a time to come, it makes it come."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self.now_s += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Impatient()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s


Backend = tuple[str, dict[str, Any]]
VIRTUAL_TIME: Backend = ("asyncio", {"loop_factory": _Loop})
