"""A payment provider that does what it is asked and then does not answer, as often as it is told to."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from subgraphs.payments.domain.provider import Attempt, Charge, Means, PaymentProvider
from subgraphs.payments.errors import ProviderUnavailable

ValueT = TypeVar("ValueT")


@dataclass(slots=True)
class FlakyProvider:
    """`lose[name]` answers of the method `name` get lost after the work was done."""

    real: PaymentProvider
    lose: dict[str, int] = field(default_factory=dict)

    async def means_of(self, token: str) -> Means | None:
        return await self.real.means_of(token)

    async def authorize(self, attempt: Attempt) -> Charge:
        return await self._answer("authorize", self.real.authorize(attempt))

    async def capture(self, reference: str, amount_minor: int) -> Charge:
        return await self._answer("capture", self.real.capture(reference, amount_minor))

    async def void(self, reference: str) -> Charge:
        return await self._answer("void", self.real.void(reference))

    async def refund(self, key: str, reference: str, amount_minor: int) -> None:
        await self._answer("refund", self.real.refund(key, reference, amount_minor))

    async def find(self, attempt: Attempt) -> Charge | None:
        return await self._answer("find", self.real.find(attempt))

    async def charge(self, reference: str) -> Charge:
        return await self._answer("charge", self.real.charge(reference))

    async def keep(self, token: str, key: str) -> str:
        return await self._answer("keep", self.real.keep(token, key))

    async def forget(self, token: str) -> None:
        await self._answer("forget", self.real.forget(token))

    async def _answer(self, name: str, work: Awaitable[ValueT]) -> ValueT:
        answer = await work
        if self.lose.get(name, 0) > 0:
            self.lose[name] -= 1
            raise ProviderUnavailable(f"the answer to {name} got lost")
        return answer
