"""Refusals of the users subgraph, raised by its service and mapped to payload errors by its schema.

RefusedError
├── InvalidUserInputError   a field is not acceptable
├── EmailTakenError         another account has this address
├── BadCredentialsError     unknown address, wrong password, unusable token: never said which
├── UserNotFoundError       no such user, or not for this caller
└── LastAdminError          the shop must keep one administrator
"""


class RefusedError(Exception):
    """Expected, changes nothing. `field` is the input field it is about, under its GraphQL name."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidUserInputError(RefusedError):
    pass


class EmailTakenError(RefusedError):
    pass


class BadCredentialsError(RefusedError):
    pass


class UserNotFoundError(RefusedError):
    pass


class LastAdminError(RefusedError):
    pass
