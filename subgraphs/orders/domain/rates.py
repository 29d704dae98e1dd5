"""Rate tables: tax by country, shipping by zone and weight.

Flat and made up, but shaped as the real thing: one tax rate per destination country, shipping as a base price plus a
price per started kilogram, in the currency of the order. A table, not a service: changing it is a release.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from enum import StrEnum

_COUNTRY = re.compile(r"[A-Z]{2}")
BASIS_POINTS = 10_000
GRAMS_PER_KILOGRAM = 1000


class Zone(StrEnum):
    HOME = "HOME"
    EUROPE = "EUROPE"
    WORLD = "WORLD"


@dataclass(frozen=True, slots=True)
class ShippingRate:
    """Base price and price per started kilogram, in main units of the currency of the table."""

    base: Decimal
    per_kilogram: Decimal


#: standard rate in basis points (1 900 = 19 %); a country that is not listed is exported to free of tax
TAX_BASIS_POINTS: Mapping[str, int] = {
    "AT": 2000, "AU": 1000, "BE": 2100, "CA": 500, "CH": 810, "CZ": 2100, "DE": 1900, "DK": 2500, "ES": 2100,
    "FI": 2550, "FR": 2000, "GB": 2000, "IE": 2300, "IT": 2200, "JP": 1000, "LU": 1700, "NL": 2100, "NO": 2500,
    "NZ": 1500, "PL": 2300, "PT": 2300, "SE": 2500, "US": 725,
}  # fmt: skip

HOME_COUNTRIES = frozenset({"US"})
EUROPEAN_COUNTRIES = frozenset(
    {"AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "LU", "NL", "NO", "PL", "PT", "SE"}
)

#: in US dollars; other currencies by the fixed factor below, so that a quote never depends on a market
SHIPPING_USD: Mapping[Zone, ShippingRate] = {
    Zone.HOME: ShippingRate(Decimal("4.90"), Decimal("1.20")),
    Zone.EUROPE: ShippingRate(Decimal("9.90"), Decimal("3.50")),
    Zone.WORLD: ShippingRate(Decimal("14.90"), Decimal("6.00")),
}
UNITS_PER_USD: Mapping[str, Decimal] = {
    "USD": Decimal(1), "EUR": Decimal("0.92"), "GBP": Decimal("0.79"), "CHF": Decimal("0.89"), "JPY": Decimal(150),
    "CAD": Decimal("1.36"), "AUD": Decimal("1.52"), "SEK": Decimal("10.50"), "NOK": Decimal("10.70"),
    "DKK": Decimal("6.90"), "PLN": Decimal("3.95"), "CZK": Decimal("23.20"),
}  # fmt: skip


def is_country(code: str) -> bool:
    """Whether `code` has the shape of an ISO 3166-1 alpha-2 code."""
    return _COUNTRY.fullmatch(code) is not None


def zone_of(country: str) -> Zone:
    if country in HOME_COUNTRIES:
        return Zone.HOME
    return Zone.EUROPE if country in EUROPEAN_COUNTRIES else Zone.WORLD


def tax_minor(net_minor: int, country: str) -> int:
    """Tax on one net amount, rounded once, half to even; units are those of the amount."""
    rate = Decimal(TAX_BASIS_POINTS.get(country, 0))
    return int((net_minor * rate / BASIS_POINTS).quantize(Decimal(1), ROUND_HALF_EVEN))


def shipping_minor(weight_grams: int, country: str, currency: str, digits: int) -> int | None:
    """Price of shipping one parcel in minor units of `currency` (`digits` decimals); None where we have no rate."""
    factor = UNITS_PER_USD.get(currency)
    if factor is None:
        return None
    rate = SHIPPING_USD[zone_of(country)]
    kilograms = (Decimal(weight_grams) / GRAMS_PER_KILOGRAM).to_integral_value(ROUND_CEILING)
    amount = (rate.base + rate.per_kilogram * kilograms) * factor
    return int((amount * Decimal(10) ** digits).quantize(Decimal(1), ROUND_HALF_EVEN))
