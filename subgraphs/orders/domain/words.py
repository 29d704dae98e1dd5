"""Prefixes of ids and the durations of the shop."""

ORDER_PREFIX = "ord"
LINE_PREFIX = "oln"
CART_PREFIX = "cart"
FULFILLMENT_PREFIX = "ful"
PRODUCT_PREFIX = "prod"
USER_PREFIX = "usr"
PAYMENT_PREFIX = "pay"

#: currency of an order that names none
DEFAULT_CURRENCY = "USD"
#: an order without an address is priced as if it went there
DEFAULT_COUNTRY = "US"
#: a PENDING order whose stock could not be asked for this long is given up
PENDING_DEADLINE_S = 3600
