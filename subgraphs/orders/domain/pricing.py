"""What an order costs: lines, shipping, tax, total. Integers in minor units throughout; rounding happens once per line.

Law L6: `total = sum(lines) + shipping + tax`, checked again by a CHECK constraint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from subgraphs.orders.domain.rates import shipping_minor, tax_minor
from subgraphs.orders.errors import InvalidInput

LINES_MAX = 100
QUANTITY_MAX = 10_000


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """What the buyer wants; `expected_unit_minor` is the price the buyer was shown, if it insists on one."""

    product_id: UUID
    quantity: int
    expected_unit_minor: int | None = None


@dataclass(frozen=True, slots=True)
class PricedLine:
    """What products promised: the snapshot an order keeps for ever."""

    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_minor: int
    weight_grams: int

    @property
    def total_minor(self) -> int:
        return self.unit_minor * self.quantity


@dataclass(frozen=True, slots=True)
class Totals:
    subtotal_minor: int
    shipping_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        return self.subtotal_minor + self.shipping_minor + self.tax_minor


def price_order(lines: Sequence[PricedLine], country: str, currency: str, digits: int) -> Totals:
    """Totals for a destination; raises InvalidInput where we have no shipping rate in that currency."""
    weight = sum(line.weight_grams * line.quantity for line in lines)
    shipping = shipping_minor(weight, country, currency, digits)
    if shipping is None:
        raise InvalidInput(f"We cannot ship orders in {currency}.", ("currency",))
    tax = sum(tax_minor(line.total_minor, country) for line in lines) + tax_minor(shipping, country)
    return Totals(sum(line.total_minor for line in lines), shipping, tax)


def check_lines(lines: Sequence[RequestedLine]) -> tuple[RequestedLine, ...]:
    """The lines in the order given, with every product once; raises InvalidInput."""
    if not lines:
        raise InvalidInput("An order needs at least one item.", ("items",))
    if len(lines) > LINES_MAX:
        raise InvalidInput(f"An order has at most {LINES_MAX} items.", ("items",))
    for index, line in enumerate(lines):
        if not 1 <= line.quantity <= QUANTITY_MAX:
            message = f"A quantity is between 1 and {QUANTITY_MAX}."
            raise InvalidInput(message, ("items", str(index), "quantity"))
    if len({line.product_id for line in lines}) != len(lines):
        raise InvalidInput("Every product may appear once; add up the quantities.", ("items",))
    return tuple(lines)
