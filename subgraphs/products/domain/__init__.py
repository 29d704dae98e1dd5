"""Rules of the catalogue and of stock, pure: no I/O, no ORM, no GraphQL."""
