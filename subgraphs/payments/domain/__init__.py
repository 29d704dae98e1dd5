"""Rules of payments, pure: no I/O, no ORM, no GraphQL."""
