"""A subgraph as a function: what it is asked is kept, what it answers is up to the test."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import orjson

from router.transport.model import StreamEvent, SubgraphRequest, SubgraphResponse

#: parsed JSON body -> parsed JSON response, or a whole response, or an exception to raise
Answer: TypeAlias = Callable[[dict[str, Any]], Any]


class FakeSubgraph:
    """A `SubgraphClient` and `SubgraphStreams`. `asked` holds the bodies in the order in which they came."""

    def __init__(self, answer: Answer | None = None, events: Sequence[StreamEvent] = ()) -> None:
        self._answer = answer
        self._events = events
        self.asked: list[dict[str, Any]] = []
        self.requests: list[SubgraphRequest] = []
        self.open_stream_count = 0

    @property
    def variables(self) -> list[Any]:
        return [body.get("variables") for body in self.asked]

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        body = orjson.loads(request.body)
        self.requests.append(request)
        self.asked.append(body)
        assert self._answer is not None, "nothing should have been asked"
        answer = self._answer(body)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, SubgraphResponse):
            return answer
        return SubgraphResponse(200, json.dumps(answer).encode())

    async def subscribe(self, request: SubgraphRequest) -> AsyncGenerator[StreamEvent, None]:
        self.requests.append(request)
        self.asked.append(orjson.loads(request.body))
        self.open_stream_count += 1
        try:
            for event in self._events:
                yield event
                await asyncio.sleep(0)
        finally:
            self.open_stream_count -= 1


def data(**fields: Any) -> Answer:
    """Always the same data."""
    return lambda body: {"data": fields}


def entities(*items: Any) -> Answer:
    """Always the same entities."""
    return lambda body: {"data": {"_entities": list(items)}}


def entities_by(make: Callable[[dict[str, Any]], Any]) -> Answer:
    """Each representation's entity made by a function."""
    return lambda body: {"data": {"_entities": [make(item) for item in body["variables"]["representations"]]}}


def after(event: asyncio.Event, answer: Answer) -> Answer:
    """The answer, once the event is set."""

    async def wait(body: dict[str, Any]) -> Any:
        await event.wait()
        return answer(body)

    def start(body: dict[str, Any]) -> Awaitable[Any]:
        return wait(body)

    return start
