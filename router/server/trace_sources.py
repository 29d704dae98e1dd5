"""Where spans are kept: in this process, and in those of the subgraphs, which are asked when somebody looks.

Each process keeps its own last spans, so that looking costs and nothing else does. A subgraph that does not answer is
left out, by its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from common.auth import ANONYMOUS, CONTEXT_HEADER
from common.telemetry import SpanRecord, TraceRing, load_spans
from router.config.traffic import SubgraphTracesConfig
from router.pipeline.engine import Engine
from router.server.subgraph_pages import get_page
from router.server.trace import Trace, join_spans
from router.transport.model import Headers


@dataclass(frozen=True, slots=True)
class Found:
    traces: list[Trace]  #: the newest first
    missing: list[str]  #: subgraphs whose spans are not here


class TraceSources:
    def __init__(self, ring: TraceRing, config: SubgraphTracesConfig) -> None:
        self._ring = ring
        self._config = config

    async def newest(self, engine: Engine, limit: int) -> Found:
        """Whole ones: what is among the last of all is among the last of each that knows it."""
        own = chain.from_iterable(self._ring.traces(limit))
        found = await self._joined(engine, own, f"?limit={limit}")
        return Found(found.traces[:limit], found.missing)

    async def one(self, engine: Engine, trace_id: str) -> Found:
        return await self._joined(engine, self._ring.trace(trace_id), f"/{trace_id}")

    async def _joined(self, engine: Engine, own: Iterable[SpanRecord], asked: str) -> Found:
        if not self._config.enabled:
            return Found(join_spans(own), [])
        headers: Headers = () if engine.signer is None else ((CONTEXT_HEADER, engine.signer.sign(ANONYMOUS)),)
        answers = await asyncio.gather(*(self._ask(engine, name, asked, headers) for name in engine.pages))
        missing = [name for name, spans in zip(engine.pages, answers, strict=True) if spans is None]
        return Found(join_spans(chain(own, *(spans for spans in answers if spans))), missing)

    async def _ask(self, engine: Engine, name: str, asked: str, headers: Headers) -> list[SpanRecord] | None:
        response = await get_page(name, engine.pages[name], self._config.path + asked, headers)
        if response is None or response.status != 200:
            return None
        try:
            return load_spans(response.body)
        except ValueError:
            return None
