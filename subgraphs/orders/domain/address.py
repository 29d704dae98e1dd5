"""What an address to ship to must look like. Whether it exists, only the post knows."""

from collections.abc import Mapping

from common.text import is_printable_line
from subgraphs.orders.domain.rates import is_country
from subgraphs.orders.errors import InvalidInput

FIELD_LENGTH_MAX = 200
REQUIRED = ("street", "city", "zip", "country")


def check_address(address: Mapping[str, str | None]) -> dict[str, str | None]:
    """The address without surrounding space and with None for what is empty; raises InvalidInput."""
    cleaned = {name: (text or "").strip() or None for name, text in address.items()}
    for name, text in cleaned.items():
        path = ["shippingAddress", name]
        if text is None:
            if name in REQUIRED:
                raise InvalidInput(f"An address needs its {name}.", path)
        elif len(text) > FIELD_LENGTH_MAX or not is_printable_line(text):
            raise InvalidInput(f"At most {FIELD_LENGTH_MAX} printable characters.", path)
    if not is_country(str(cleaned["country"])):
        raise InvalidInput(
            "A country is given by its two capital letters (ISO 3166-1).", ["shippingAddress", "country"]
        )
    return cleaned
