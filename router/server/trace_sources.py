"""Where spans are kept: in the router's processes and in those of the subgraphs, which are asked when somebody looks.

Each process keeps its own last spans, so that looking costs and nothing else does. A subgraph that does not answer is
left out, by its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from itertools import chain

from common.auth import ANONYMOUS, CONTEXT_HEADER
from common.telemetry import SpanRecord, TraceRing, load_spans, newest_spans, trace_spans
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
        found = await self._joined(engine, newest_spans(self._ring, limit), f"?limit={limit}")
        return Found(found.traces[:limit], found.missing)

    async def one(self, engine: Engine, trace_id: str) -> Found:
        return await self._joined(engine, trace_spans(self._ring, trace_id), f"/{trace_id}")

    async def _joined(self, engine: Engine, own: Awaitable[list[SpanRecord]], asked: str) -> Found:
        names = list(engine.pages) if self._config.enabled else []
        headers: Headers = () if engine.signer is None else ((CONTEXT_HEADER, engine.signer.sign(ANONYMOUS)),)
        spans, *answers = await asyncio.gather(own, *(self._ask(engine, name, asked, headers) for name in names))
        missing = [name for name, answer in zip(names, answers, strict=True) if answer is None]
        return Found(join_spans(chain(spans or (), *(answer for answer in answers if answer))), missing)

    async def _ask(self, engine: Engine, name: str, asked: str, headers: Headers) -> list[SpanRecord] | None:
        response = await get_page(name, engine.pages[name], self._config.path + asked, headers)
        if response is None or response.status != 200:
            return None
        try:
            return load_spans(response.body)
        except ValueError:
            return None
