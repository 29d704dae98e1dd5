"""What buyers and staff do in scenarios: each a GraphQL request to the router, and a note of what was acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from common.ids import new_id
from deploy.prove.client import Crowd, LostAnswerError, RefusedError
from deploy.prove.evidence import Acknowledged
from deploy.prove.shop import ProvenShop

ValueT = TypeVar("ValueT")

ADDRESS = {"street": "Lindenallee 7", "city": "Jena", "zip": "07743", "country": "DE"}
STAFF_SCOPES = (
    "users:read_any",
    "inventory:read",
    "inventory:write",
    "catalog:write",
    "orders:read_any",
    "orders:write_any",
    "orders:fulfil",
    "payments:read_any",
    "payments:write",
    "payments:refund",
    "ops:events",
    "ops:read",
)
#: between two tries or looks: longer each time, as patient clients do
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 1.0

ERRORS = "errors { __typename ... on UserError { message path } }"
CREATE = f"""mutation Create($input: ProductCreateInput!) {{
  productCreate(input: $input) {{ product {{ id }} {ERRORS} }} }}"""
PLACE = f"""mutation Place($input: OrderPlaceInput!) {{
  orderPlace(input: $input) {{ order {{ id number status total {{ amount currency }} }} {ERRORS} }} }}"""
PAY = f"""mutation Pay($input: PaymentCreateInput!) {{
  paymentCreate(input: $input) {{ payment {{ id status }} {ERRORS} }} }}"""
CANCEL = f"""mutation Cancel($id: ID!, $reason: CancelReason!, $key: String) {{
  orderCancel(id: $id, reason: $reason, idempotencyKey: $key) {{ order {{ id status }} {ERRORS} }} }}"""
REFUND = f"""mutation Refund($input: RefundCreateInput!) {{
  refundCreate(input: $input) {{ refund {{ id status }} {ERRORS} }} }}"""
SHIP = f"""mutation Ship($input: FulfillmentCreateInput!) {{
  fulfillmentCreate(input: $input) {{ order {{ id status fulfillments {{ id }} }} {ERRORS} }} }}"""
DELIVER = f"mutation Deliver($id: ID!) {{ fulfillmentDeliver(id: $id) {{ order {{ id status }} {ERRORS} }} }}"
LINES = "query Lines($id: ID!) { order(id: $id) { lines { id quantity } } }"
STATUS = "query Status($id: ID!) { order(id: $id) { status } }"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The payload of a mutation. `problems` are the types of its errors, or codes of GraphQL errors."""

    entity: Mapping[str, Any] | None
    problems: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return str(self.entity["id"]) if self.entity else ""

    @property
    def status(self) -> str:
        return str(self.entity["status"]) if self.entity else ""


@dataclass(frozen=True, slots=True)
class Market:
    """Ways to do it once (`place`), and until it is decided (`place_surely`): what a patient client does.

    Each has an employee of its own, since nobody may ask as often as a walk of thousands of steps does."""

    crowd: Crowd
    shop: ProvenShop
    acknowledged: Acknowledged
    staff: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "staff", self.shop.token(new_id("usr"), ("ADMIN",), STAFF_SCOPES))

    async def new_product(self, units: int, price: str = "10.00", name: str = "Punnet of strawberries") -> str:
        """Its id; one that cannot be shipped by weight costs nothing extra."""
        product = {"name": name, "price": {"amount": price, "currency": "USD"}, "inventory": units, "weightGrams": 100}
        data = await self.crowd.ask(CREATE, {"input": product}, self.staff)
        return str(data["productCreate"]["product"]["id"])

    def order_input(self, items: Mapping[str, int] | Sequence[tuple[str, int]], key: str) -> dict[str, Any]:
        pairs = items.items() if isinstance(items, Mapping) else items
        lines = [{"productId": product, "quantity": quantity} for product, quantity in pairs]
        return {"items": lines, "shippingAddress": ADDRESS, "idempotencyKey": key}

    async def place(self, buyer: str, items: Mapping[str, int] | Sequence[tuple[str, int]], key: str = "") -> Outcome:
        """Raises LostAnswerError and RefusedError."""
        given = self.order_input(items, key or new_id("key"))
        outcome = _outcome(await self.crowd.ask(PLACE, {"input": given}, buyer), "orderPlace", "order")
        if outcome.entity:
            self.acknowledged.orders.add(outcome.id)
        return outcome

    async def pay(self, buyer: str, order_id: str, token: str = "tok_visa", key: str = "") -> Outcome:  # noqa: S107
        """Raises LostAnswerError and RefusedError."""
        given = {"orderId": order_id, "paymentMethodToken": token, "idempotencyKey": key or new_id("key")}
        outcome = _outcome(await self.crowd.ask(PAY, {"input": given}, buyer), "paymentCreate", "payment")
        if outcome.status in {"AUTHORIZED", "CAPTURED"}:
            self.acknowledged.payments.add(outcome.id)
        return outcome

    async def refund(self, payment_id: str, amount: str | None, key: str = "") -> Outcome:
        """By staff. Raises LostAnswerError and RefusedError."""
        given: dict[str, Any] = {"paymentId": payment_id, "idempotencyKey": key or new_id("key")}
        if amount is not None:
            given["amount"] = {"amount": amount, "currency": "USD"}
        outcome = _outcome(await self.crowd.ask(REFUND, {"input": given}, self.staff), "refundCreate", "refund")
        if outcome.entity:
            self.acknowledged.refunds.add(outcome.id)
        return outcome

    async def cancel(self, caller: str, order_id: str, reason: str = "CUSTOMER", key: str | None = None) -> Outcome:
        """Raises LostAnswerError and RefusedError."""
        given = {"id": order_id, "reason": reason, "key": key}
        return _outcome(await self.crowd.ask(CANCEL, given, caller), "orderCancel", "order")

    async def surely(self, ask: Callable[[], Awaitable[ValueT]]) -> ValueT:
        """Asks again until the shop decides; `ask` must ask under the same key each time."""
        pauses = _pauses()
        while True:
            try:
                return await ask()
            except (LostAnswerError, RefusedError) as exc:
                await _again(exc, next(pauses))

    async def place_surely(self, buyer: str, items: Mapping[str, int], key: str) -> Outcome:
        return await self.surely(lambda: self.place(buyer, items, key))

    async def pay_surely(self, buyer: str, order_id: str, key: str, token: str = "tok_visa") -> Outcome:  # noqa: S107
        return await self.surely(lambda: self.pay(buyer, order_id, token, key))

    async def status(self, order_id: str) -> str:
        """Asks again until there is an answer; empty where staff see no such order."""
        order = (await self.surely(lambda: self.crowd.ask(STATUS, {"id": order_id}, self.staff)))["order"]
        status = str(order["status"]) if order else ""
        if status == "CONFIRMED":
            self.acknowledged.confirmed.add(order_id)
        return status

    async def statuses(self, order_id: str, wanted: set[str], timeout_s: float = 60.0) -> str:
        """The first of the wanted ones that the order has; raises AssertionError when it takes longer."""
        deadline = time.monotonic() + timeout_s
        pauses = _pauses()
        while (seen := await self.status(order_id)) not in wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"order {order_id} is {seen} after {timeout_s:g} s, not {' or '.join(wanted)}")
            await asyncio.sleep(next(pauses))
        return seen


def _pauses() -> Iterator[float]:
    """Seconds between one try and the next."""
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)


async def _again(error: LostAnswerError | RefusedError, pause_s: float) -> None:
    """A pause before the next try; raises the error where trying again is no use."""
    hopeless = {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "FORBIDDEN", "UNAUTHENTICATED", "GRAPHQL_PARSE_FAILED"}
    if isinstance(error, RefusedError) and hopeless.intersection(error.codes):
        raise error
    await asyncio.sleep(pause_s)


def _outcome(data: Mapping[str, Any], mutation: str, entity: str) -> Outcome:
    payload = data[mutation]
    errors = payload["errors"]
    return Outcome(
        payload[entity],
        tuple(error["__typename"] for error in errors),
        tuple(str(error["message"]) for error in errors),
    )
