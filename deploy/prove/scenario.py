"""A scenario: what is done to a fresh shop, and what must come of it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from common.ids import parse_id
from deploy.prove.auditor import Auditor
from deploy.prove.buyers import Market
from deploy.prove.client import crowd
from deploy.prove.evidence import Evidence
from deploy.prove.shop import ProvenShop
from deploy.prove.span_sink import SpanSink


class DisprovedError(AssertionError):
    """What a scenario claims did not come true."""


@dataclass(frozen=True, slots=True)
class Arena:
    """What a scenario gets. `scale` shrinks its numbers, `seed` decides everything random in it, `steps` (patterns with
    commas, empty for all) leaves only some of its steps."""

    shop: ProvenShop
    evidence: Evidence
    auditor: Auditor
    scale: float
    seed: int
    steps: str
    say: Callable[[str], None]
    random: random.Random = field(default_factory=random.Random)
    spans: SpanSink = field(default_factory=SpanSink)

    def number(self, full: int, *, least: int = 1) -> int:
        """`full`, scaled down where that was asked for."""
        return max(least, round(full * self.scale))

    @asynccontextmanager
    async def market(self, width: int) -> AsyncIterator[Market]:
        """Buyers and staff, `width` requests at once at most."""
        async with crowd(self.shop.url, width) as members:
            yield Market(members, self.shop, self.evidence.acknowledged)

    async def units_reserved(self, product_id: str) -> int:
        rows = await self.evidence.products.ask(
            "SELECT coalesce(sum(quantity), 0) AS units FROM reservation WHERE product_id = $1 AND state <> 'RELEASED'",
            product_uuid(product_id),
        )
        return int(rows[0]["units"])


def product_uuid(product_id: str) -> UUID:
    return parse_id("prod", product_id)


def require(holds: bool, otherwise: str) -> None:
    """Raises DisprovedError."""
    if not holds:
        raise DisprovedError(otherwise)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`run` returns the result in a few words and raises AssertionError where it is disproved. What it leaves behind
    is audited afterwards, unless `is_audited` is False: then the scenario does that itself."""

    number: str
    title: str
    #: what is done, with its numbers at scale 1
    numbers: str
    run: Callable[[Arena], Awaitable[str]]
    #: of each subgraph and the router
    workers: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    #: name of a process -> command that takes its place
    programs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_audited: bool = True
    #: spans of all processes come to `Arena.spans`
    collects_spans: bool = False
    #: processes die at the steps named by files in `Arena.shop.failpoints`
    has_failpoints: bool = False
    #: sections that take the place of those in the router's configuration
    router: Mapping[str, Any] = field(default_factory=dict)
    rest_timeout_s: float = 90.0


__all__ = ["Arena", "DisprovedError", "Scenario", "product_uuid", "require"]
