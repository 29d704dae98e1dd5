"""The traces of a service whose worker processes share a port: a page asks one of them, and that one asks the others.

Each listens at a Unix socket of its own, in a folder that is there before they are forked: `TraceRing(workers=folder)`.
A question is a line, `newest 50` or `trace <id>`; the answer is the spans as JSON.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path

from common.telemetry.ring import TraceRing
from common.telemetry.spans import SpanRecord, dump_spans, load_spans

_TIMEOUT_S = 1.0


async def newest_spans(ring: TraceRing, limit: int) -> list[SpanRecord]:
    """Of the newest traces of every worker, at most `limit` of each."""
    return await _of_all(ring, f"newest {limit}")


async def trace_spans(ring: TraceRing, trace_id: str) -> list[SpanRecord]:
    return await _of_all(ring, f"trace {trace_id}")


@asynccontextmanager
async def answering_workers(ring: TraceRing | None) -> AsyncIterator[None]:
    """Meanwhile the other workers are told what this one keeps; nothing to do where there are none, or where another
    part of this process tells it."""
    if ring is None or ring.workers is None or (ring.workers / _name(ring)).exists():
        yield
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                question = (await reader.readline()).decode().strip()
                writer.write(dump_spans(_own(ring, question)))
                await writer.drain()
        except (TimeoutError, OSError, ValueError):
            pass  # who asked is gone
        finally:
            writer.close()

    async with await asyncio.start_unix_server(answer, ring.workers / _name(ring)):
        yield


async def _of_all(ring: TraceRing, question: str) -> list[SpanRecord]:
    own = _own(ring, question)
    if ring.workers is None:
        return own
    others = [place for place in ring.workers.iterdir() if place.name != _name(ring)]
    return [*own, *chain.from_iterable(await asyncio.gather(*(_ask(place, question) for place in others)))]


def _name(ring: TraceRing) -> str:
    return f"{os.getpid()}-{id(ring):x}"


def _own(ring: TraceRing, question: str) -> list[SpanRecord]:
    """Raises ValueError for what is no question."""
    kind, _, what = question.partition(" ")
    return ring.trace(what) if kind == "trace" else list(chain.from_iterable(ring.traces(int(what))))


async def _ask(place: Path, question: str) -> list[SpanRecord]:
    """Nothing from a worker that is away: it is about to be replaced."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(place)
            try:
                writer.write(f"{question}\n".encode())
                return load_spans(await reader.read())
            finally:
                writer.close()
    except (TimeoutError, OSError, ValueError):
        return []
