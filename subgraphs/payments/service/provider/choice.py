"""Which provider a token or a charge belongs to: its name says so."""

from dataclasses import dataclass

from subgraphs.payments.domain.provider import Attempt, Charge, Means, PaymentProvider
from subgraphs.payments.service.provider.cash import is_cash


@dataclass(frozen=True, slots=True)
class ChosenProvider:
    """A `PaymentProvider` in front of two."""

    cash: PaymentProvider
    other: PaymentProvider

    async def means_of(self, token: str) -> Means | None:
        return await self._of(token).means_of(token)

    async def authorize(self, attempt: Attempt) -> Charge:
        return await self._of(attempt.token).authorize(attempt)

    async def find(self, attempt: Attempt) -> Charge | None:
        return await self._of(attempt.token).find(attempt)

    async def charge(self, reference: str) -> Charge:
        return await self._of(reference).charge(reference)

    async def capture(self, reference: str, amount_minor: int) -> Charge:
        return await self._of(reference).capture(reference, amount_minor)

    async def void(self, reference: str) -> Charge:
        return await self._of(reference).void(reference)

    async def refund(self, key: str, reference: str, amount_minor: int) -> None:
        await self._of(reference).refund(key, reference, amount_minor)

    async def keep(self, token: str, key: str) -> str:
        return await self._of(token).keep(token, key)

    async def forget(self, token: str) -> None:
        await self._of(token).forget(token)

    def _of(self, name: str) -> PaymentProvider:
        return self.cash if is_cash(name) else self.other
