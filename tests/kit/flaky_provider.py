"""A payment provider that does what it is asked and then does not answer, or lies, as it is told to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from subgraphs.payments.domain.provider import Attempt, Charge, Means, PaymentProvider
from subgraphs.payments.errors import ProviderUnavailable

ValueT = TypeVar("ValueT")


def _the_truth(charge: Charge) -> Charge:
    return charge


@dataclass(slots=True)
class FlakyProvider:
    """`lose[name]` answers of the method `name` get lost after the work was done; what `tells` makes of a charge is
    told of it."""

    real: PaymentProvider
    lose: dict[str, int] = field(default_factory=dict)
    tells: Callable[[Charge], Charge] = _the_truth

    async def means_of(self, token: str) -> Means | None:
        return await self.real.means_of(token)

    async def authorize(self, attempt: Attempt) -> Charge:
        return self.tells(await self._answer("authorize", self.real.authorize(attempt)))

    async def capture(self, reference: str, amount_minor: int) -> Charge:
        return await self._answer("capture", self.real.capture(reference, amount_minor))

    async def void(self, reference: str) -> Charge:
        return await self._answer("void", self.real.void(reference))

    async def refund(self, key: str, reference: str, amount_minor: int) -> None:
        await self._answer("refund", self.real.refund(key, reference, amount_minor))

    async def find(self, attempt: Attempt) -> Charge | None:
        found = await self._answer("find", self.real.find(attempt))
        return self.tells(found) if found else None

    async def charge(self, reference: str) -> Charge:
        return self.tells(await self._answer("charge", self.real.charge(reference)))

    def be_honest(self) -> None:
        self.lose.clear()
        self.tells = _the_truth

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
