"""What clients send, checked and in the words of the service."""

from uuid import UUID

from common.errors import BadInputError
from common.money import InvalidMoneyError, Money, currency_digits
from common.subgraph.types import MoneyInput
from subgraphs.products import errors
from subgraphs.products.domain.catalogue import Price, listed_status
from subgraphs.products.domain.words import CATEGORY_PREFIX, ORDER_PREFIX, PRODUCT_PREFIX
from subgraphs.products.service.catalogue import ProductFilter as Wanted
from subgraphs.products.service.search import clean_query
from subgraphs.products.types.entities import Info, sees_drafts, uuid_of
from subgraphs.products.types.inputs import ProductFilter


async def wanted_products(info: Info, given: ProductFilter) -> Wanted:
    """Raises BadInputError for money that is none, prices in two currencies, or a search that is too long."""
    try:
        lowest = None if given.price_min is None else money(given.price_min, "priceMin")
        highest = None if given.price_max is None else money(given.price_max, "priceMax")
        query = None if given.query is None else clean_query(given.query)
        currencies = {bound.currency for bound in (lowest, highest) if bound}
        if given.currency is not None:
            currencies.add(known_currency(given.currency))
    except errors.InvalidInput as exc:
        raise BadInputError(exc.message) from exc
    if len(currencies) > 1:
        raise BadInputError("currency, priceMin and priceMax must be of one currency.")
    category_id = None if given.category_id is None else uuid_of(CATEGORY_PREFIX, given.category_id)
    is_unknown = given.category_id is not None and category_id is None
    within = {} if category_id is None else await info.context.service.categories.within([category_id])
    ids = None if given.ids is None else [uuid_of(PRODUCT_PREFIX, text) for text in given.ids]
    status = listed_status(given.status, sees_drafts=sees_drafts(info.context.principal))
    return Wanted(
        status=None if is_unknown else status,
        category_ids=None if category_id is None else tuple(within[category_id]),
        currency=next(iter(currencies), None),
        price_min_minor=lowest.amount_minor if lowest else None,
        price_max_minor=highest.amount_minor if highest else None,
        in_stock=given.in_stock,
        query=query,
        ids=None if ids is None else tuple(product_id for product_id in ids if product_id is not None),
    )


def money(given: MoneyInput, field: str) -> Money:
    try:
        return Money.parse(format(given.amount, "f"), given.currency)
    except InvalidMoneyError as exc:
        raise errors.InvalidInput(str(exc), [field]) from exc


def price(given: MoneyInput, before: MoneyInput | None) -> Price:
    """A price and what it was before a reduction, in one currency. Raises InvalidInput."""
    now = money(given, "price")
    was = None if before is None else money(before, "compareAtPrice")
    if was is not None and was.currency != now.currency:
        raise errors.InvalidInput("Both prices are in one currency.", ["compareAtPrice"])
    return Price(now.amount_minor, now.currency, was.amount_minor if was else None)


def known_currency(code: str) -> str:
    try:
        currency_digits(code)
    except InvalidMoneyError as exc:
        raise errors.InvalidInput(str(exc), ["currency"]) from exc
    return code


def known_product(text: str, field: str) -> UUID:
    return _known(PRODUCT_PREFIX, text, field, "There is no such product.")


def known_category(text: str, field: str) -> UUID:
    return _known(CATEGORY_PREFIX, text, field, "There is no such category.")


def known_order(text: str, field: str) -> UUID:
    return _known(ORDER_PREFIX, text, field, "There is no such order.")


def _known(prefix: str, text: str, field: str, message: str) -> UUID:
    """Raises NotFound for what cannot be such an id."""
    found = uuid_of(prefix, text)
    if found is None:
        raise errors.NotFound(message, [field])
    return found
