"""Who is calling: the one record every permission is decided on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """`subject` is the user's id (`usr_…`) or, for a part of the system, `system:<name>`; None for an anonymous caller.

    Roles and scopes are what the token says; which scopes a role brings is decided where tokens are issued. `session`
    is the login the token belongs to, None for a token that belongs to none; `account_version` what the account was
    when it was issued, 0 where the token does not say.
    """

    subject: str | None
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    session: str | None = None
    account_version: int = 0

    @property
    def is_authenticated(self) -> bool:
        return self.subject is not None

    def has_role(self, *roles: str) -> bool:
        """Any of them."""
        return not self.roles.isdisjoint(roles)

    def has_scope(self, *scopes: str) -> bool:
        """All of them."""
        return self.scopes.issuperset(scopes)


ANONYMOUS = Principal(subject=None)
