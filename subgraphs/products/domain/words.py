"""Prefixes of ids."""

PRODUCT_PREFIX = "prod"
CATEGORY_PREFIX = "cat"
ORDER_PREFIX = "ord"
MOVEMENT_PREFIX = "mov"
