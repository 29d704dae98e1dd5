"""Prefixes of ids."""

PAYMENT_PREFIX = "pay"
REFUND_PREFIX = "rfd"
ORDER_PREFIX = "ord"
USER_PREFIX = "usr"
