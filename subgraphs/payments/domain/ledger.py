"""Double entry: every movement of money is two or more postings whose sum is zero per currency (law L5).

Accounts, seen from the shop (debit positive, credit negative):

    customer_hold     what customers' banks hold for us          authorisation +, capture or void -
    provider_hold     its mirror: promised by the provider       authorisation -, capture or void +
    provider_balance  what the provider owes us                  capture +, refund -
    sales             what we owe for: goods sold                capture -, refund +
"""

from dataclasses import dataclass
from enum import StrEnum


class Account(StrEnum):
    CUSTOMER_HOLD = "CUSTOMER_HOLD"
    PROVIDER_HOLD = "PROVIDER_HOLD"
    PROVIDER_BALANCE = "PROVIDER_BALANCE"
    SALES = "SALES"


class EntryKind(StrEnum):
    AUTHORIZATION = "AUTHORIZATION"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"


@dataclass(frozen=True, slots=True)
class Posting:
    account: Account
    #: minor units, debit positive
    amount_minor: int


def postings(kind: EntryKind, amount_minor: int) -> tuple[Posting, ...]:
    """The postings of one movement; they sum to zero. A capture also dissolves the hold it was made from."""
    match kind:
        case EntryKind.AUTHORIZATION:
            return (Posting(Account.CUSTOMER_HOLD, amount_minor), Posting(Account.PROVIDER_HOLD, -amount_minor))
        case EntryKind.VOID:
            return (Posting(Account.CUSTOMER_HOLD, -amount_minor), Posting(Account.PROVIDER_HOLD, amount_minor))
        case EntryKind.CAPTURE:
            return (
                Posting(Account.CUSTOMER_HOLD, -amount_minor),
                Posting(Account.PROVIDER_HOLD, amount_minor),
                Posting(Account.PROVIDER_BALANCE, amount_minor),
                Posting(Account.SALES, -amount_minor),
            )
        case EntryKind.REFUND:
            return (Posting(Account.PROVIDER_BALANCE, -amount_minor), Posting(Account.SALES, amount_minor))
