"""The check digit of card numbers. Source: ISO/IEC 7812-1, annex B."""


def passes_luhn(digits: str) -> bool:
    """Whether ASCII digits could be a card number; one in ten does by chance."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
