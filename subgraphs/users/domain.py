"""Rules about users: what a name, an e-mail address and a password must be, and which scopes a role brings."""

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum

from subgraphs.users.errors import InvalidUserInputError

ID_PREFIX = "usr"
ADDRESS_ID_PREFIX = "adr"

MAX_NAME_CHARACTERS = 120
MAX_EMAIL_CHARACTERS = 254
MIN_PASSWORD_CHARACTERS = 8
#: Argon2 hashes any length; a bound keeps one login from costing megabytes of hashing
MAX_PASSWORD_CHARACTERS = 256

#: deliberately loose: only a delivered message proves an address
EMAIL_PATTERN = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f.]+(\.[^@\s\x00-\x1f\x7f.]+)*")


class UserStatus(Enum):
    ACTIVE = "ACTIVE"
    #: registered without a password: cannot log in until one is set
    INACTIVE = "INACTIVE"
    SUSPENDED = "SUSPENDED"


class Role(Enum):
    CUSTOMER = "CUSTOMER"
    SUPPORT = "SUPPORT"
    CATALOG_MANAGER = "CATALOG_MANAGER"
    ADMIN = "ADMIN"


_SUPPORT_SCOPES = frozenset(
    {
        "users:read_any",
        "inventory:read",
        "orders:read_any",
        "orders:write_any",
        "orders:fulfil",
        "payments:read_any",
        "payments:refund",
    }
)
_CATALOG_SCOPES = frozenset({"catalog:write", "inventory:read", "inventory:write"})

SCOPES_BY_ROLE: dict[Role, frozenset[str]] = {
    Role.CUSTOMER: frozenset(),
    Role.SUPPORT: _SUPPORT_SCOPES,
    Role.CATALOG_MANAGER: _CATALOG_SCOPES,
    Role.ADMIN: _SUPPORT_SCOPES
    | _CATALOG_SCOPES
    | {"users:write_any", "users:admin", "payments:write", "ops:events", "ops:read"},
}


def scopes_of(roles: Iterable[Role]) -> frozenset[str]:
    """Union of the scopes of all roles; what an access token carries."""
    return frozenset().union(*(SCOPES_BY_ROLE[role] for role in roles))


def check_name(name: str) -> str:
    """The name without surrounding space, in Unicode NFC. Raises InvalidUserInputError."""
    cleaned = unicodedata.normalize("NFC", name).strip()
    if not cleaned or len(cleaned) > MAX_NAME_CHARACTERS or any(unicodedata.category(char) == "Cc" for char in cleaned):
        raise InvalidUserInputError(f"The name must have 1 to {MAX_NAME_CHARACTERS} printable characters.", "name")
    return cleaned


def check_email(email: str) -> str:
    """The address in the form it is compared in: NFC, lower case, no surrounding space. Raises InvalidUserInputError."""
    cleaned = unicodedata.normalize("NFC", email).strip().lower()
    if len(cleaned) > MAX_EMAIL_CHARACTERS or not EMAIL_PATTERN.fullmatch(cleaned):
        raise InvalidUserInputError("This is not an e-mail address.", "email")
    return cleaned


def check_password(password: str) -> str:
    """Raises InvalidUserInputError. Length is the only rule (NIST SP 800-63B section 3.1.1)."""
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise InvalidUserInputError(
            f"The password must have {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters.", "password"
        )
    return password
