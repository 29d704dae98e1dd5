"""Prefixes of ids."""

PAYMENT_PREFIX = "pay"
REFUND_PREFIX = "rfd"
METHOD_PREFIX = "pmt"
ATTEMPT_PREFIX = "att"
ORDER_PREFIX = "ord"
USER_PREFIX = "usr"
