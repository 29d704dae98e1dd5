"""Money: exact, in the currency's digits, never mixed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import DIGITS_BY_CURRENCY, InvalidMoneyError, Money, currency_digits


@pytest.mark.parametrize(
    ("text", "currency", "minor", "printed"),
    [
        ("1299.99", "USD", 129999, "1299.99"),
        ("1500", "JPY", 1500, "1500"),
        ("1.234", "KWD", 1234, "1.234"),
        ("5", "EUR", 500, "5.00"),
        ("0.5", "EUR", 50, "0.50"),
        ("-0.05", "EUR", -5, "-0.05"),
        ("92233720368547758.07", "EUR", 2**63 - 1, "92233720368547758.07"),
    ],
)
def test_an_amount_is_read_and_printed_in_the_currency_s_digits(
    text: str, currency: str, minor: int, printed: str
) -> None:
    money = Money.parse(text, currency)
    assert money == Money(minor, currency)
    assert (money.amount, str(money)) == (printed, f"{printed} {currency}")


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.sampled_from(sorted(DIGITS_BY_CURRENCY)))
def test_what_is_printed_is_read_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(money.amount, currency) == money


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "+1",
        "1e3",
        "NaN",
        "Infinity",
        "0x10",
        "1,5",
        "1_000",
        "01",
        ".5",
        "5.",
        "1.234",
        "١",
        "1\n",
        "--1",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidMoneyError):
        Money.parse(text, "EUR")


def test_an_amount_that_no_column_could_hold_is_refused() -> None:
    with pytest.raises(InvalidMoneyError):
        Money.parse("92233720368547758.08", "EUR")
    with pytest.raises(InvalidMoneyError):
        Money.parse("9" * 100_000, "EUR")
    with pytest.raises(InvalidMoneyError):
        Money(2**62, "EUR") * 2


@pytest.mark.parametrize("currency", ["", "eur", "XXX", "EURO", "€", "DEM"])
def test_a_currency_outside_the_standard_is_refused(currency: str) -> None:
    with pytest.raises(InvalidMoneyError, match="ISO 4217"):
        currency_digits(currency)


def test_two_currencies_do_not_mix() -> None:
    with pytest.raises(InvalidMoneyError, match="cannot combine EUR and USD"):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(InvalidMoneyError):
        _ = Money(1, "EUR") < Money(1, "USD")
    assert Money(1, "EUR") != Money(1, "USD")


def test_calculations_are_exact() -> None:
    lines = [Money(1999, "EUR") * 3, Money(5, "EUR"), -Money(2, "EUR")]
    assert Money.total(lines, "EUR") == Money(6000, "EUR")
    assert Money.total([], "JPY") == Money(0, "JPY")
    assert Money(500, "EUR") - Money(1, "EUR") < Money(500, "EUR") <= Money(500, "EUR")
