"""What can go wrong with a payment, as values a caller can act on.

PaymentError
├── InvalidInput          a field breaks a rule
├── NotFound              no such payment or order, or not this caller's
├── PaymentDeclined       the provider said no; the order still waits for its money
├── OrderNotPayable       the order is not waiting for a payment, or already has one
└── RefundLimitExceeded   more than somebody may give back on one day

ProviderUnavailable       the provider did not answer: the outcome is unknown, ask again with the same key
ProviderRefused           the provider says that it cannot be done; nothing was done
"""

from collections.abc import Sequence

from common.subgraph.refusals import Refusal


class PaymentError(Refusal):
    """Base of the expected errors."""


class InvalidInput(PaymentError):  # noqa: N818 - named like the GraphQL error it becomes
    """An input field breaks a rule; nothing was changed."""


class NotFound(PaymentError):  # noqa: N818 - named like the GraphQL error it becomes
    """The payment or order does not exist or belongs to somebody else; a caller cannot tell which."""


class PaymentDeclined(PaymentError):  # noqa: N818 - named like the GraphQL error it becomes
    """The provider declined; `is_retryable` tells whether the same means can work later."""

    def __init__(self, message: str, path: Sequence[str], decline_code: str, is_retryable: bool) -> None:
        super().__init__(message, path, decline_code, is_retryable)
        self.decline_code = decline_code
        self.is_retryable = is_retryable


class OrderNotPayable(PaymentError):  # noqa: N818 - named like the GraphQL error it becomes
    """The order `order_id` (a TypeID) takes no payment in its present state."""

    def __init__(self, message: str, path: Sequence[str], order_id: str) -> None:
        super().__init__(message, path, order_id)
        self.order_id = order_id


class RefundLimitExceeded(PaymentError):  # noqa: N818 - named like the GraphQL error it becomes
    """`remaining_minor` of `currency` may still be given back today."""

    def __init__(self, message: str, path: Sequence[str], remaining_minor: int, currency: str) -> None:
        super().__init__(message, path, remaining_minor, currency)
        self.remaining_minor = remaining_minor
        self.currency = currency


class ProviderRefused(Exception):  # noqa: N818 - a refusal, not a mistake of ours
    """`code` is the provider's word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ProviderUnavailable(Exception):  # noqa: N818 - named like the GraphQL error it becomes
    """The provider did not answer in time; ask it again with the same key before deciding anything."""
