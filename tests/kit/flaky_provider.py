"""A payment provider that does what it is asked and then does not answer, as often as it is told to."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from subgraphs.payments.domain.provider import Card, Charge, PaymentProvider
from subgraphs.payments.errors import ProviderUnavailable

ValueT = TypeVar("ValueT")


@dataclass(slots=True)
class FlakyProvider:
    """`lose[name]` answers of the method `name` get lost after the work was done."""

    real: PaymentProvider
    lose: dict[str, int] = field(default_factory=dict)

    async def card_of(self, token: str) -> Card | None:
        return await self.real.card_of(token)

    async def authorize(self, key: str, token: str, amount_minor: int, currency: str) -> Charge:
        return await self._answer("authorize", self.real.authorize(key, token, amount_minor, currency))

    async def capture(self, reference: str, amount_minor: int) -> Charge:
        return await self._answer("capture", self.real.capture(reference, amount_minor))

    async def void(self, reference: str) -> Charge:
        return await self._answer("void", self.real.void(reference))

    async def refund(self, key: str, reference: str, amount_minor: int) -> Charge:
        return await self._answer("refund", self.real.refund(key, reference, amount_minor))

    async def find(self, key: str) -> Charge | None:
        return await self._answer("find", self.real.find(key))

    async def _answer(self, name: str, work: Awaitable[ValueT]) -> ValueT:
        answer = await work
        if self.lose.get(name, 0) > 0:
            self.lose[name] -= 1
            raise ProviderUnavailable(f"the answer to {name} got lost")
        return answer
