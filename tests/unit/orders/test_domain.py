"""Rules of orders: what they cost, where they can go, how far they have come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import uuid7
from subgraphs.orders import errors
from subgraphs.orders.domain.pricing import LINES_MAX, PricedLine, RequestedLine, check_lines, price_order
from subgraphs.orders.domain.rates import TAX_BASIS_POINTS, shipping_minor, tax_minor
from subgraphs.orders.domain.status import (
    FulfillmentStatus,
    LineProgress,
    OrderStatus,
    can_cancel,
    fulfillment_status,
)


def line(unit_minor: int, quantity: int = 1, weight_grams: int = 0) -> PricedLine:
    return PricedLine(uuid7(), "SKU", "Name", quantity, unit_minor, weight_grams)


def test_tax_is_rounded_half_to_even_once_per_line() -> None:
    # 19 % of 0.50 is 0.095, and of 1.50 it is 0.285: each goes to the even cent
    assert [tax_minor(minor, "DE") for minor in (50, 150, 100)] == [10, 28, 19]
    totals = price_order([line(50), line(50), line(150)], "DE", "EUR", 2)
    assert totals.tax_minor == 10 + 10 + 28 + tax_minor(totals.shipping_minor, "DE")


@pytest.mark.parametrize(
    ("weight_grams", "country", "currency", "digits", "expected"),
    [
        (0, "US", "USD", 2, 490),
        (1, "US", "USD", 2, 610),
        (1000, "US", "USD", 2, 610),
        (1001, "US", "USD", 2, 730),
        (1500, "DE", "EUR", 2, 1555),
        (1500, "JP", "JPY", 0, 4035),
        (1, "US", "KWD", 3, None),
    ],
)
def test_shipping_has_a_base_and_a_price_per_started_kilogram(
    weight_grams: int, country: str, currency: str, digits: int, expected: int | None
) -> None:
    assert shipping_minor(weight_grams, country, currency, digits) == expected


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10_000), st.integers(0, 10**5)), max_size=20),
    st.sampled_from([*TAX_BASIS_POINTS, "ZZ"]),
)
def test_the_total_is_the_sum_of_its_parts_and_tax_never_off_by_more_than_half_a_cent_a_line(
    lines: list[tuple[int, int, int]], country: str
) -> None:
    priced = [line(*numbers) for numbers in lines]
    totals = price_order(priced, country, "USD", 2)
    assert totals.total_minor == sum(p.total_minor for p in priced) + totals.shipping_minor + totals.tax_minor
    exact = (totals.subtotal_minor + totals.shipping_minor) * TAX_BASIS_POINTS.get(country, 0) / 10_000
    assert abs(totals.tax_minor - exact) <= (len(lines) + 1) / 2 + 1e-6 * exact


def test_an_order_has_one_to_a_hundred_different_products() -> None:
    product_id = uuid7()
    for lines in (
        [],
        [RequestedLine(uuid7(), 0)],
        [RequestedLine(product_id, 1), RequestedLine(product_id, 2)],
        [RequestedLine(uuid7(), 1) for _ in range(LINES_MAX + 1)],
    ):
        with pytest.raises(errors.InvalidInput):
            check_lines(lines)


def test_who_may_cancel_what() -> None:
    by_customer = {
        status for status in OrderStatus if can_cancel(status, FulfillmentStatus.UNFULFILLED, is_staff=False)
    }
    by_staff = {status for status in OrderStatus if can_cancel(status, FulfillmentStatus.UNFULFILLED, is_staff=True)}
    assert by_customer == {OrderStatus.PENDING, OrderStatus.AWAITING_PAYMENT}
    assert by_staff == by_customer | {OrderStatus.CONFIRMED}
    assert not can_cancel(OrderStatus.CONFIRMED, FulfillmentStatus.PARTIAL, is_staff=True)


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        ([(2, 0, 0), (1, 0, 0)], FulfillmentStatus.UNFULFILLED),
        ([(2, 1, 0), (1, 0, 0)], FulfillmentStatus.PARTIAL),
        ([(2, 2, 2), (1, 0, 0)], FulfillmentStatus.PARTIAL),
        ([(2, 2, 2), (1, 1, 0)], FulfillmentStatus.SHIPPED),
        ([(2, 2, 2), (1, 1, 1)], FulfillmentStatus.DELIVERED),
    ],
)
def test_the_axis_of_fulfilment_follows_the_slowest_line(
    progress: list[tuple[int, int, int]], expected: FulfillmentStatus
) -> None:
    assert fulfillment_status(LineProgress(*numbers) for numbers in progress) is expected


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidInput("no", ["items"]),
        errors.NotFound("no"),
        errors.InsufficientStock("no", ["items"], [("prod_1", 2, 1)]),
        errors.PriceChanged("no", ["items"], "prod_1", 100, 120, "USD"),
        errors.IllegalTransition("no", ["id"], "CANCELLED", []),
    ],
)
def test_a_stored_refusal_is_raised_again_as_it_was(error: errors.OrderError) -> None:
    with pytest.raises(type(error)) as raised:
        errors.OrderError.raise_if_refused(error.to_answer())
    assert vars(raised.value) == vars(error)
