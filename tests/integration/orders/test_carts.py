"""Carts under many hands: no line is lost, nobody overwrites what he has not seen, limits hold."""

import asyncio
from typing import Any

import pytest

from common.ids import new_id
from tests.kit.commerce import Commerce, customer, database_of

pytestmark = pytest.mark.anyio

CART = "cart { version lines { quantity product { id } } }"
ERRORS = "errors { __typename ... on UserError { message path } ... on StaleVersionError { currentVersion } }"
SET = f"""mutation($product: ID!, $quantity: Int!, $version: Int) {{
    cartSetLine(productId: $product, quantity: $quantity, expectedVersion: $version) {{ {CART} {ERRORS} }} }}"""
MERGE = f"""mutation($lines: [CartLineInput!]!, $version: Int) {{
    cartMerge(lines: $lines, expectedVersion: $version) {{ {CART} {ERRORS} }} }}"""
CLEAR = f"mutation($version: Int) {{ cartClear(expectedVersion: $version) {{ {CART} {ERRORS} }} }}"


async def set_line(shop: Commerce, buyer: Any, product: str, quantity: int, version: int | None = None) -> Any:
    given = {"product": product, "quantity": quantity, "version": version}
    return (await shop.orders.data(SET, given, buyer))["cartSetLine"]


def lines_of(payload: Any) -> dict[str, int]:
    return {line["product"]["id"]: line["quantity"] for line in payload["cart"]["lines"]}


async def test_of_many_tabs_each_keeps_its_line_and_every_answer_is_true_for_its_version(shop: Commerce) -> None:
    buyer, products = customer(), [new_id("prod") for _ in range(20)]
    answers: list[Any] = []

    async def tab(product: str) -> None:
        answers.extend([await set_line(shop, buyer, product, quantity) for quantity in range(1, 11)])

    await asyncio.gather(*(tab(product) for product in products))
    by_version = {answer["cart"]["version"]: lines_of(answer) for answer in answers}
    assert sorted(by_version) == list(range(1, 201))
    assert by_version[200] == dict.fromkeys(products, 10)
    # an answer shows all that was acknowledged under the versions before it
    for version in range(2, 201):
        before, after = by_version[version - 1], by_version[version]
        assert [product for product in before if before[product] > after.get(product, 0)] == []


async def test_of_two_who_saw_the_same_cart_one_changes_it_and_the_other_is_told(shop: Commerce) -> None:
    buyer, one, other = customer(), new_id("prod"), new_id("prod")
    seen = (await set_line(shop, buyer, one, 1, 0))["cart"]["version"]
    answers = await asyncio.gather(*(set_line(shop, buyer, product, 7, seen) for product in (one, other)))
    stale = [answer["errors"][0] for answer in answers if answer["errors"]]
    assert [(error["__typename"], error["currentVersion"], error["path"]) for error in stale] == [
        ("StaleVersionError", 2, ["expectedVersion"])
    ]
    cleared = (await shop.orders.data(CLEAR, {"version": seen}, buyer))["cartClear"]
    assert cleared["errors"][0]["__typename"] == "StaleVersionError"
    cleared = (await shop.orders.data(CLEAR, {"version": 2}, buyer))["cartClear"]
    assert cleared == {"cart": {"version": 3, "lines": []}, "errors": []}


async def test_merging_a_guests_cart_twice_is_merging_it_once(shop: Commerce) -> None:
    buyer, mine, both, theirs = customer(), new_id("prod"), new_id("prod"), new_id("prod")
    await set_line(shop, buyer, mine, 2)
    await set_line(shop, buyer, both, 3)
    given = {"lines": [{"productId": both, "quantity": 5}, {"productId": theirs, "quantity": 1}]}
    for _ in range(2):
        merged = (await shop.orders.data(MERGE, given, buyer))["cartMerge"]
        assert merged["errors"] == []
        assert lines_of(merged) == {mine: 2, both: 5, theirs: 1}


async def test_a_cart_has_its_limits_and_a_refused_change_leaves_no_trace(shop: Commerce) -> None:
    buyer = customer()
    full = [{"productId": new_id("prod"), "quantity": 1} for _ in range(100)]
    assert (await shop.orders.data(MERGE, {"lines": full}, buyer))["cartMerge"]["errors"] == []
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("one product more", {"lines": [{"productId": new_id("prod"), "quantity": 1}]}),
        ("nothing", {"lines": []}),
        ("a product twice", {"lines": [full[0], full[0]]}),
        ("no quantity", {"lines": [{**full[0], "quantity": 0}]}),
        ("too many", {"lines": [{**full[0], "quantity": 10_001}]}),
        ("no product", {"lines": [{"productId": "usr_01h455vb4pex5vsknk084sn02q", "quantity": 1}]}),
    ]
    for name, given in wrong:
        refused = (await shop.orders.data(MERGE, given, buyer))["cartMerge"]
        assert refused["cart"] is None, name
        assert [error["__typename"] for error in refused["errors"]] in (["InvalidInputError"], ["NotFoundError"]), name
    rows = await database_of(shop.orders).fetch("SELECT version, (SELECT count(*) FROM cart_line) AS n FROM cart")
    assert rows == [{"version": 1, "n": 100}]
