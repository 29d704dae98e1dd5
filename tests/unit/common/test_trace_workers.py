"""Workers of one service know each other's traces, and do without those who are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from common.telemetry import Telemetry, TraceRing, answering_workers, newest_spans, trace_spans

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="punnet-") as made:  # a socket's path is short
        yield Path(made)


def worker(folder: Path | None, *names: str) -> TraceRing:
    """With one trace per name."""
    ring = TraceRing(workers=folder)
    tracer = Telemetry("router", ring=ring).tracer
    for name in names:
        tracer.start_span(name).end()
    return ring


async def test_who_is_asked_answers_for_all(folder: Path) -> None:
    first, second = worker(folder, "a", "b"), worker(folder, "c")
    async with answering_workers(first), answering_workers(second):
        for ring in (first, second):
            newest = await newest_spans(ring, 1)
            every = await newest_spans(ring, 50)
            assert sorted(span.name for span in newest) == ["b", "c"]
            assert sorted(span.name for span in every) == ["a", "b", "c"]
            assert [await trace_spans(ring, span.trace_id) for span in every] == [[span] for span in every]


async def test_a_worker_that_is_gone_or_says_nothing_is_left_out(folder: Path) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with answering_workers(worker(folder, "gone")):
        pass
    ring = worker(folder, "a")
    async with await asyncio.start_unix_server(say_nothing, folder / "silent"), answering_workers(ring):
        assert [span.name for span in await newest_spans(ring, 50)] == ["a"]


async def test_a_question_that_is_none_does_not_end_the_worker(folder: Path) -> None:
    ring = worker(folder, "a")
    async with answering_workers(ring):
        (place,) = await asyncio.to_thread(lambda: list(folder.iterdir()))
        reader, writer = await asyncio.open_unix_connection(place)
        writer.write(b"\xff what\n")
        assert await reader.read() == b""
        writer.close()
        assert [span.name for span in await newest_spans(worker(folder), 50)] == ["a"]


async def test_parts_of_one_process_that_share_a_ring_answer_once(folder: Path) -> None:
    ring = worker(folder, "a")
    async with answering_workers(ring), answering_workers(ring):
        assert [span.name for span in await newest_spans(worker(folder), 50)] == ["a"]


async def test_one_process_alone_has_only_its_own() -> None:
    ring = worker(None, "a")
    async with answering_workers(ring), answering_workers(None):
        assert [span.name for span in await newest_spans(ring, 50)] == ["a"]
