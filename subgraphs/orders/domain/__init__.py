"""Rules of carts and orders, pure: no I/O, no ORM, no GraphQL."""
