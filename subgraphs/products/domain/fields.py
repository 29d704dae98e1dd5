"""What the fields of a product may hold. Each check raises InvalidInput, or returns the value as it is stored."""

import re
import unicodedata

from common.text import is_printable_line
from subgraphs.products.domain.catalogue import Price
from subgraphs.products.errors import InvalidInput

NAME_LENGTH_MAX = 200
WEIGHT_MAX_GRAMS = 10_000_000
#: in minor units; a hundred lines of ten thousand such products still fit into 64 bits
PRICE_MAX_MINOR = 100_000_000_000
DESCRIPTION_LENGTH_MAX = 10_000
#: currencies a product can have prices in, its own included
PRICE_COUNT_MAX = 50
_SKU = re.compile(r"[A-Z0-9][A-Z0-9._-]{1,63}")


def check_name(name: str) -> str:
    cleaned = " ".join(name.split())
    if not cleaned or len(cleaned) > NAME_LENGTH_MAX or not is_printable_line(cleaned):
        raise InvalidInput(f"A name has 1 to {NAME_LENGTH_MAX} printable characters.", ("name",))
    return cleaned


def check_price(price_minor: int) -> None:
    if not 0 <= price_minor <= PRICE_MAX_MINOR:
        raise InvalidInput("A price is not negative, and not that high.", ["price"])


def check_compare_at(price: Price) -> None:
    """Raise InvalidInput where the price before a reduction is not higher than the price."""
    if price.compare_at_minor is not None:
        check_price(price.compare_at_minor)
        if price.compare_at_minor <= price.price_minor:
            raise InvalidInput("The price to compare with is higher than the price.", ["compareAtPrice"])


def check_description(description: str | None) -> str | None:
    if description is not None and len(description) > DESCRIPTION_LENGTH_MAX:
        raise InvalidInput(f"A description has at most {DESCRIPTION_LENGTH_MAX} characters.", ["description"])
    return description


def check_weight(weight_grams: int) -> None:
    if not 0 <= weight_grams <= WEIGHT_MAX_GRAMS:
        raise InvalidInput(f"A weight is between 0 and {WEIGHT_MAX_GRAMS} grams.", ["weightGrams"])


def check_sku(sku: str) -> str:
    cleaned = sku.strip().upper()
    if not _SKU.fullmatch(cleaned):
        raise InvalidInput("A SKU has 2 to 64 letters, digits, dots, dashes or underscores.", ("sku",))
    return cleaned


def slugify(name: str) -> str:
    """`Café au lait, 250 g` becomes `cafe-au-lait-250-g`; text without Latin letters or digits becomes `product`."""
    ascii_text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:80].rstrip("-") or "product"
