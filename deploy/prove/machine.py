"""Hypothesis walks through the shop and the model at once: after each step both must agree.

Rules run in a thread of their own and ask the shop through the event loop of the caller.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from common.ids import new_id
from deploy.prove.buyers import DELIVER, ERRORS, LINES, SHIP, Market, Outcome
from deploy.prove.model import ModelShop, Status
from deploy.prove.scenario import require

ValueT = TypeVar("ValueT")

STEPS_PER_WALK = 50
UNITS = 20
_AGREE_TIMEOUT_S = 30.0
_ADJUST = (
    f"mutation A($input: InventoryAdjustInput!) {{ inventoryAdjust(input: $input) {{ product {{ id }} {ERRORS} }} }}"
)
_LOOK = """query Look($product: ID!) { product(id: $product) { inventory { onHand reserved available } } }"""
_ORDER = """query Order($id: ID!) { order(id: $id) {
  status payments { status capturedAmount { amount } refundedAmount { amount } } } }"""


@dataclass(slots=True)
class Walker:
    """The way from a rule into the shop. `steps` counts over all walks."""

    market: Market
    loop: asyncio.AbstractEventLoop
    steps: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    trouble: Exception | None = None  #: the last answer that was none

    def wait(self, work: Coroutine[Any, Any, ValueT]) -> ValueT:
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop).result(_AGREE_TIMEOUT_S * 2)
        except Exception as exc:
            self.trouble = exc  # Hypothesis tries the same way again, and may be left with nothing to show
            raise

    def step(self, name: str) -> None:
        self.steps += 1
        self.rules[name] = self.rules.get(name, 0) + 1


def machine_of(walker: Walker) -> type[RuleBasedStateMachine]:
    """The machine whose rules use this walker."""

    class ShopMachine(RuleBasedStateMachine):
        orders = Bundle("orders")
        paid = Bundle("paid")
        parcels = Bundle("parcels")

        def __init__(self) -> None:
            super().__init__()
            self.market = replace(walker.market)
            self.product = walker.wait(self.market.new_product(UNITS, "10.00"))
            self.model = ModelShop(UNITS)
            self.buyers: dict[str, str] = {}
            self.payments: dict[str, str] = {}

        @rule(target=orders, quantity=st.integers(1, 8), is_repeated=st.booleans())
        def place(self, quantity: int, is_repeated: bool) -> Any:
            walker.step("place")
            buyer, key = self.market.shop.buyer(), new_id("key")
            outcome = walker.wait(self.market.place(buyer, {self.product: quantity}, key))
            if is_repeated:
                again = walker.wait(self.market.place(buyer, {self.product: quantity}, key))
                require((again.id, again.problems) == (outcome.id, outcome.problems), "a repetition is another order")
            if not self.model.can_place(quantity):
                require(outcome.problems == ("InsufficientStockError",), f"{outcome}")
                return multiple()
            assert outcome.entity is not None, outcome  # noqa: S101 - also for the type
            require(outcome.status == Status.AWAITING_PAYMENT, f"{outcome}")
            total = int(Decimal(outcome.entity["total"]["amount"]) * 100)
            self.model.place(outcome.id, quantity, total)
            self.buyers[outcome.id] = buyer
            return outcome.id

        @rule(delta=st.integers(-5, 10).filter(bool))
        def adjust(self, delta: int) -> None:
            walker.step("adjust")
            reason = "RECEIVED" if delta > 0 else "DAMAGED"
            given = {"productId": self.product, "delta": delta, "reason": reason, "idempotencyKey": new_id("key")}
            payload = walker.wait(self.market.crowd.ask(_ADJUST, {"input": given}, self.market.staff))[
                "inventoryAdjust"
            ]
            require((not payload["errors"]) is self.model.adjust(delta), f"{payload}")

        @rule(target=paid, order=orders, is_declined=st.sampled_from([False, False, True]))
        def pay(self, order: str, is_declined: bool) -> Any:
            walker.step("pay")
            token = "tok_declined" if is_declined else "tok_visa"
            outcome = walker.wait(self.market.pay(self.buyers[order], order, token))
            if self.model.orders[order].status is not Status.AWAITING_PAYMENT:
                require(outcome.problems == ("OrderNotPayableError",), f"{outcome}")
            elif is_declined:
                require(outcome.problems == ("PaymentDeclinedError",), f"{outcome}")
            else:
                require(outcome.problems == (), f"{outcome}")
                self.model.pay(order)
                self.payments[order] = outcome.id
                self.agree(order)
                return order
            self.agree(order)
            return multiple()

        @rule(order=orders, by_staff=st.booleans())
        def cancel(self, order: str, by_staff: bool) -> None:
            walker.step("cancel")
            caller, reason = (self.market.staff, "STAFF") if by_staff else (self.buyers[order], "CUSTOMER")
            outcome = walker.wait(self.market.cancel(caller, order, reason, new_id("key")))
            self.judge(outcome, self.model.cancel(order, by_staff=by_staff))
            self.agree(order)

        @rule(target=parcels, order=st.one_of(orders, paid), quantity=st.integers(1, 8))
        def ship(self, order: str, quantity: int) -> Any:
            walker.step("ship")
            line = walker.wait(self.market.crowd.ask(LINES, {"id": order}, self.market.staff))["order"]["lines"][0][
                "id"
            ]
            goods = [{"orderLineId": line, "quantity": quantity}]
            given = {"orderId": order, "lines": goods, "idempotencyKey": new_id("key")}
            payload = walker.wait(self.market.crowd.ask(SHIP, {"input": given}, self.market.staff))["fulfillmentCreate"]
            if not self.model.ship(order, quantity):
                require(payload["errors"], f"{payload}")
                return multiple()
            require(payload["errors"] == [], f"{payload}")
            return order, payload["order"]["fulfillments"][-1]["id"]

        @rule(parcel=consumes(parcels))
        def deliver(self, parcel: tuple[str, str]) -> None:
            walker.step("deliver")
            order, fulfillment = parcel
            payload = walker.wait(self.market.crowd.ask(DELIVER, {"id": fulfillment}, self.market.staff))[
                "fulfillmentDeliver"
            ]
            require(payload["errors"] == [], f"{payload}")
            self.model.deliver(order)
            self.agree(order)

        @rule(order=paid, share=st.integers(1, 120))
        def refund(self, order: str, share: int) -> None:
            walker.step("refund")
            amount = max(1, self.model.orders[order].total_minor * share // 100)
            outcome = walker.wait(self.market.refund(self.payments[order], f"{amount // 100}.{amount % 100:02}"))
            self.judge(outcome, self.model.refund(order, amount))
            self.agree(order)

        @invariant()
        def stock_is_as_the_model_says(self) -> None:
            wanted = {
                "onHand": self.model.on_hand,
                "reserved": self.model.reserved,
                "available": self.model.available,
            }

            async def look() -> Any:
                data = await self.market.crowd.ask(_LOOK, {"product": self.product}, self.market.staff)
                return data["product"]["inventory"]

            self.becomes(look, wanted)

        def judge(self, outcome: Outcome, should: bool) -> None:
            require((outcome.problems == ()) is should, f"{outcome}, the model says {should}")

        def agree(self, order: str) -> None:
            """The order and its money become what the model says, in a while: events have to travel."""
            wanted = self.model.orders[order]
            captured = wanted.total_minor if wanted.is_paid else 0

            async def look() -> Any:
                data = (await self.market.crowd.ask(_ORDER, {"id": order}, self.market.staff))["order"]
                paid = [int(Decimal(payment["capturedAmount"]["amount"]) * 100) for payment in data["payments"]]
                back = [int(Decimal(payment["refundedAmount"]["amount"]) * 100) for payment in data["payments"]]
                return data["status"], sum(paid), sum(back)

            self.becomes(look, (wanted.status.value, captured, wanted.refunded_minor))

        def becomes(self, look: Callable[[], Coroutine[Any, Any, Any]], wanted: Any) -> None:
            deadline = time.monotonic() + _AGREE_TIMEOUT_S
            while (found := walker.wait(look())) != wanted:
                require(time.monotonic() < deadline, f"the shop says {found}, the model {wanted}")
                time.sleep(0.01)

    return ShopMachine


def walk(walker: Walker, steps: int, seed: int) -> None:
    """Walks until there are so many steps; raises AssertionError at the first disagreement, with the way to it."""
    number = 0
    while walker.steps < steps:
        machine = hypothesis_seed(seed + number)(machine_of(walker))
        limits = settings(
            max_examples=10,
            stateful_step_count=STEPS_PER_WALK,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        run_state_machine_as_test(machine, settings=limits)
        number += 1
