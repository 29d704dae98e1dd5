"""Rules of the catalogue and of reservations."""

from itertools import product

import pytest

from common.ids import uuid7
from subgraphs.products import errors
from subgraphs.products.domain.catalogue import ProductStatus, check_status_change, is_visible, listed_status
from subgraphs.products.domain.fields import check_sku, slugify
from subgraphs.products.domain.reservations import LineVerdict, RefusalCode, WantedLine, refusal
from subgraphs.products.domain.stock import InventoryReason, StockStatus, check_adjustment, stock_status


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Café au lait, 250 g", "cafe-au-lait-250-g"),
        ("  Chef's  Knife!", "chef-s-knife"),
        ("いちご", "product"),
        ("x" * 200, "x" * 80),
    ],
)
def test_a_slug_has_lower_case_letters_digits_and_dashes_only(name: str, slug: str) -> None:
    assert slugify(name) == slug


def test_stock_is_low_at_its_threshold_and_out_at_zero() -> None:
    assert [stock_status(available, 5) for available in (6, 5, 1, 0)] == [
        StockStatus.IN_STOCK,
        StockStatus.LOW_STOCK,
        StockStatus.LOW_STOCK,
        StockStatus.OUT_OF_STOCK,
    ]


def test_who_sees_which_status_how() -> None:
    seen = {
        (status.value, sees_drafts, by_reference)
        for status, sees_drafts, by_reference in product(ProductStatus, (False, True), (False, True))
        if is_visible(status, sees_drafts=sees_drafts, by_reference=by_reference)
    }
    customers = {("ACTIVE", False, False), ("ACTIVE", False, True), ("ARCHIVED", False, True)}
    assert seen == customers | {(status.value, True, way) for status in ProductStatus for way in (False, True)}


def test_a_list_shows_active_products_unless_staff_asks_otherwise() -> None:
    assert listed_status(None, sees_drafts=True) is ProductStatus.ACTIVE
    assert listed_status(ProductStatus.DRAFT, sees_drafts=False) is None
    assert listed_status(ProductStatus.DRAFT, sees_drafts=True) is ProductStatus.DRAFT


def verdict(*, wanted: int = 1, available: int = 5, price: int | None = 100, currency: str = "USD") -> LineVerdict:
    return LineVerdict(WantedLine(uuid7(), wanted, 100), available, price, None if price is None else currency)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (verdict(price=None, available=0), RefusalCode.PRODUCT_NOT_FOUND),
        (verdict(currency="EUR", available=0), RefusalCode.CURRENCY_MISMATCH),
        (verdict(price=120, available=0), RefusalCode.PRICE_CHANGED),
        (verdict(wanted=6), RefusalCode.INSUFFICIENT_STOCK),
    ],
)
def test_the_most_fundamental_reason_is_given_with_its_lines_only(wrong: LineVerdict, code: RefusalCode) -> None:
    refused = refusal(
        (verdict(), wrong, verdict(wanted=6)) if wrong.wanted.quantity == 1 else (verdict(), wrong), "USD"
    )
    assert refused is not None
    assert (refused.code, refused.lines) == (code, (wrong,))


def test_lines_that_are_all_there_at_their_price_are_not_refused() -> None:
    assert refusal((verdict(wanted=5), verdict()), "USD") is None
    assert refusal((verdict(), verdict()), None) is None


@pytest.mark.parametrize(
    ("reason", "delta"),
    [
        (InventoryReason.RECEIVED, -1),
        (InventoryReason.RETURNED, -1),
        (InventoryReason.DAMAGED, 1),
        (InventoryReason.CORRECTION, 0),
        (InventoryReason.RECEIVED, 10**10),
    ],
)
def test_a_movement_goes_the_way_its_reason_says(reason: InventoryReason, delta: int) -> None:
    with pytest.raises(errors.InvalidInput):
        check_adjustment(reason, delta)


def test_nothing_becomes_a_draft_and_the_archive_gives_back() -> None:
    for status in (ProductStatus.ACTIVE, ProductStatus.ARCHIVED):
        with pytest.raises(errors.InvalidInput):
            check_status_change(status, ProductStatus.DRAFT)
    check_status_change(ProductStatus.ARCHIVED, ProductStatus.ACTIVE)
    check_status_change(ProductStatus.DRAFT, ProductStatus.DRAFT)


@pytest.mark.parametrize("sku", ["", "x", "-AB", "A B", "A" * 65, "ÄÖ"])
def test_a_sku_is_short_and_plain(sku: str) -> None:
    with pytest.raises(errors.InvalidInput):
        check_sku(sku)


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidInput("no", ["name"]),
        errors.NotFound("no"),
        errors.DuplicateSku("no", ["sku"], "prod_1"),
        errors.StaleVersion("no", ["expectedVersion"], 7),
    ],
)
def test_a_stored_refusal_is_raised_again_as_it_was(error: errors.CatalogueError) -> None:
    with pytest.raises(type(error)) as raised:
        errors.CatalogueError.raise_if_refused(error.to_answer())
    assert vars(raised.value) == vars(error)
