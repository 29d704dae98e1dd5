"""Use cases of users, the rows behind them and the tokens of a login."""

from subgraphs.users.service.users import UserService, address_place

__all__ = ["UserService", "address_place"]
