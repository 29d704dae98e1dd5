"""Amounts of money as whole minor units (cents, yen, fils) and an ISO 4217 code; never a float.

On the wire an amount is a decimal string with exactly the currency's digits: "1299.99" USD, "1500" JPY, "1.234" KWD.
Source of the digits: ISO 4217 list one of 2024-06-25, funds and metals left out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_TWO_DIGITS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS
KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG
"""
DIGITS_BY_CURRENCY: dict[str, int] = (
    dict.fromkeys(_TWO_DIGITS.split(), 2)
    | dict.fromkeys(_NO_DIGITS.split(), 0)
    | dict.fromkeys(_THREE_DIGITS.split(), 3)
)

_AMOUNT = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,3})?", re.ASCII)
#: what a BIGINT column holds
_MAX_MINOR = 2**63 - 1


class InvalidMoneyError(ValueError):
    """Not an amount of that currency, or not a currency. The message is safe to show to clients."""


def currency_digits(currency: str) -> int:
    """Decimal places of the currency. Raises InvalidMoneyError if ISO 4217 does not list it (upper case only)."""
    digits = DIGITS_BY_CURRENCY.get(currency)
    if digits is None:
        raise InvalidMoneyError("unknown currency: expected an ISO 4217 code such as EUR")
    return digits


def decimal_of(amount_minor: int, currency: str) -> Decimal:
    """The amount with exactly the currency's digits; its `str` is the wire form. Raises InvalidMoneyError."""
    return Decimal(amount_minor).scaleb(-currency_digits(currency))


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount that knows its currency; may be negative. Combining two currencies raises InvalidMoneyError."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        currency_digits(self.currency)
        if abs(self.amount_minor) > _MAX_MINOR:
            raise InvalidMoneyError("amount out of range")

    @classmethod
    def parse(cls, amount: str, currency: str) -> "Money":
        """From a decimal string. Missing digits are read as zeros ("5" EUR), superfluous ones are refused ("5.001"
        EUR), as are exponents, signs other than a leading minus, and leading zeros.
        """
        digits = currency_digits(currency)
        if not _AMOUNT.fullmatch(amount):
            raise InvalidMoneyError("not an amount: expected a decimal such as 12.50")
        whole, _, fraction = amount.partition(".")
        if len(fraction) > digits:
            raise InvalidMoneyError(f"{currency} has {digits} decimal places")
        return cls(int(whole + fraction.ljust(digits, "0")), currency)

    @classmethod
    def total(cls, amounts: Iterable["Money"], currency: str) -> "Money":
        """The sum; zero of `currency` when there is nothing to sum."""
        result = cls(0, currency)
        for amount in amounts:
            result = result + amount
        return result

    @property
    def decimal(self) -> Decimal:
        """With exactly the currency's digits; its `str` is the wire form."""
        return decimal_of(self.amount_minor, self.currency)

    @property
    def amount(self) -> str:
        """The wire form, e.g. "1299.99"."""
        return format(self.decimal, "f")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._minor_of(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._minor_of(other), self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount_minor * quantity, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount_minor < self._minor_of(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount_minor <= self._minor_of(other)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _minor_of(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise InvalidMoneyError(f"cannot combine {self.currency} and {other.currency}")
        return other.amount_minor
