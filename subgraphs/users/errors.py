"""Refusals of the users subgraph, raised by its service and mapped to payload errors by its schema.

UserRefusal
├── InvalidUserInputError   a field is not acceptable
├── EmailTakenError         another account has this address
├── BadCredentialsError     unknown address, wrong password, unusable token: never said which
├── UserNotFoundError       no such user, or not for this caller
└── LastAdminError          the shop must keep one administrator
"""


class UserRefusal(Exception):
    """Expected, changes nothing. `field` is the input field it is about, under its GraphQL name."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidUserInputError(UserRefusal):
    pass


class EmailTakenError(UserRefusal):
    pass


class BadCredentialsError(UserRefusal):
    pass


class UserNotFoundError(UserRefusal):
    pass


class LastAdminError(UserRefusal):
    pass
