"""Counts SQL statements of a running shop, by subgraph and step of a journey; looks for work that find none are not.

Workers look for work whether there is an order or not. A look that finds something counts, and so does everything that
follows from it. What is a look is learned while the shop is idle; whether it found something, from its rows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from tortoise.backends.asyncpg.client import AsyncpgDBClient

from common.subgraph.database import Database
from common.subgraph.statements import Statement

#: what was begun before is done by then
SETTLED_S = 2.0
#: every worker has looked by then: the laziest do every six seconds
IDLE_S = 8.0
#: a step is over when nothing but looks in vain happens for so long
QUIET_S = 0.4


@dataclass(slots=True)
class StatementTally:
    """Made by `tallying`."""

    looks: set[str] = field(default_factory=set)
    #: statements by step and subgraph
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    texts: list[tuple[str, str, str]] = field(default_factory=list)
    step: str = "idle"

    @contextmanager
    def during(self, step: str) -> Iterator[None]:
        self.step = step
        self.counts.setdefault(step, Counter())
        yield

    def heard(self, subgraph: str, statement: Statement) -> None:
        if self.step == "idle":
            self.looks.add(statement.text)
        elif statement.text not in self.looks:
            self._count(subgraph, statement.text)

    def looked(self, subgraph: str, text: str, rows: list[dict[str, Any]]) -> None:
        if self.step != "idle" and text in self.looks and _found_something(rows):
            self._count(subgraph, text)

    def _count(self, subgraph: str, text: str) -> None:
        self.counts[self.step][subgraph] += 1
        self.texts.append((self.step, subgraph, " ".join(text.split())[:110]))

    async def quiet(self) -> None:
        """Until the shop has nothing left to do."""
        seen = -1
        while seen != len(self.texts):
            seen = len(self.texts)
            await asyncio.sleep(QUIET_S)

    def total(self, *steps: str) -> int:
        return sum(self.counts[step].total() for step in steps or self.counts)

    def table(self) -> str:
        """For people: a line per step, a column per subgraph."""
        subgraphs = sorted({subgraph for counts in self.counts.values() for subgraph in counts})
        lines = [f"{'':24}" + "".join(f"{subgraph:>15}" for subgraph in subgraphs) + f"{'all':>8}"]
        for step, counts in self.counts.items():
            lines.append(f"{step:24}" + "".join(f"{counts[each]:>15}" for each in subgraphs) + f"{counts.total():>8}")
        return "\n".join(lines)


def _found_something(rows: list[dict[str, Any]]) -> bool:
    """The relay's look always has a row, which says whether it was its turn."""
    return any(row.get("seq", True) is not None for row in rows)


@asynccontextmanager
async def tallying(databases: Mapping[str, Database], patch: pytest.MonkeyPatch) -> AsyncIterator[StatementTally]:
    """Learns what idling costs, then counts; `databases` by subgraph."""
    await asyncio.sleep(SETTLED_S)
    tally = StatementTally()
    subgraph_by_database = {database.name: subgraph for subgraph, database in databases.items()}
    execute = AsyncpgDBClient.execute_query_dict

    async def execute_and_tell(self: Any, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await execute(self, query, values)
        client = self
        while (parent := getattr(client, "_parent", None)) is not None:
            client = parent
        tally.looked(subgraph_by_database.get(client.database, "other"), query, rows)
        return rows

    patch.setattr(AsyncpgDBClient, "execute_query_dict", execute_and_tell)

    def listener(subgraph: str) -> Any:
        return lambda statement: tally.heard(subgraph, statement)

    listeners = {subgraph: listener(subgraph) for subgraph in databases}
    for subgraph, database in databases.items():
        database.observer.listeners.append(listeners[subgraph])
    await asyncio.sleep(IDLE_S)
    yield tally
    for subgraph, database in databases.items():
        database.observer.listeners.remove(listeners[subgraph])
