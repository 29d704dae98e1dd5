"""The sandbox that stands for the world outside, asked behind the shop's back: its ledger, its faults, its mail."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Outside:
    url: str
    key: str = field(repr=False)

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The parsed answer. Raises OSError for every status but 200."""
        return await asyncio.to_thread(self._ask, method, path, body)

    async def charges(self) -> list[dict[str, Any]]:
        """The provider's own account of every charge."""
        charges: list[dict[str, Any]] = (await self.ask("GET", "/__admin/ledger"))["charges"]
        return charges

    async def faults(self, **wanted: Any) -> None:
        await self.ask("POST", "/__admin/faults", wanted)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self.key}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return json.loads(answer.read() or b"null")
