"""Double entry: every movement of money is two or more postings whose sum is zero per currency (law L5).

Accounts, seen from the shop (debit positive, credit negative):

    customer_hold     what customers' banks hold for us          authorisation +, capture or void -
    provider_hold     its mirror: promised by the provider       authorisation -, capture or void +
    provider_balance  what the provider owes us                  capture +, refund -, dispute -, dispute won +
    cash              what couriers collected, instead of it     capture +, refund -
    sales             what we owe for: goods sold                capture -, refund +
    disputed          kept back while a bank decides             dispute +, dispute won or lost -
    chargebacks       given back by banks: our loss              dispute lost +
"""

from dataclasses import dataclass
from enum import StrEnum


class Account(StrEnum):
    CUSTOMER_HOLD = "CUSTOMER_HOLD"
    PROVIDER_HOLD = "PROVIDER_HOLD"
    PROVIDER_BALANCE = "PROVIDER_BALANCE"
    CASH = "CASH"
    SALES = "SALES"
    DISPUTED = "DISPUTED"
    CHARGEBACKS = "CHARGEBACKS"


class EntryKind(StrEnum):
    AUTHORIZATION = "AUTHORIZATION"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"
    DISPUTE = "DISPUTE"
    DISPUTE_WON = "DISPUTE_WON"
    DISPUTE_LOST = "DISPUTE_LOST"


@dataclass(frozen=True, slots=True)
class Posting:
    account: Account
    #: minor units, debit positive
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of money. `reference` names it at the provider: the same one cannot be booked twice."""

    kind: EntryKind
    amount_minor: int
    reference: str
    #: paid to a courier, not to the provider
    is_cash: bool = False


def postings(entry: Entry) -> tuple[Posting, ...]:
    """The postings of one movement; they sum to zero. A capture also dissolves the hold it was made from."""
    amount_minor = entry.amount_minor
    asset = Account.CASH if entry.is_cash else Account.PROVIDER_BALANCE
    match entry.kind:
        case EntryKind.AUTHORIZATION:
            return (Posting(Account.CUSTOMER_HOLD, amount_minor), Posting(Account.PROVIDER_HOLD, -amount_minor))
        case EntryKind.VOID:
            return (Posting(Account.CUSTOMER_HOLD, -amount_minor), Posting(Account.PROVIDER_HOLD, amount_minor))
        case EntryKind.CAPTURE:
            return (
                Posting(Account.CUSTOMER_HOLD, -amount_minor),
                Posting(Account.PROVIDER_HOLD, amount_minor),
                Posting(asset, amount_minor),
                Posting(Account.SALES, -amount_minor),
            )
        case EntryKind.REFUND:
            return (Posting(asset, -amount_minor), Posting(Account.SALES, amount_minor))
        case EntryKind.DISPUTE:
            return (Posting(asset, -amount_minor), Posting(Account.DISPUTED, amount_minor))
        case EntryKind.DISPUTE_WON:
            return (Posting(Account.DISPUTED, -amount_minor), Posting(asset, amount_minor))
        case EntryKind.DISPUTE_LOST:
            return (Posting(Account.DISPUTED, -amount_minor), Posting(Account.CHARGEBACKS, amount_minor))
