"""Rules about users: what a name, an e-mail address and a password must be, and which scopes a role brings."""

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum

from common.text import is_printable_line
from subgraphs.users.errors import InvalidUserInputError

ID_PREFIX = "usr"
ADDRESS_ID_PREFIX = "adr"

MAX_NAME_CHARACTERS = 120
MAX_EMAIL_CHARACTERS = 254
MIN_PASSWORD_CHARACTERS = 8
#: Argon2 hashes any length; a bound keeps one login from costing megabytes of hashing
MAX_PASSWORD_CHARACTERS = 256

#: deliberately loose: only a delivered message proves an address
EMAIL_PATTERN = re.compile(r'[^@\s<>()\[\],;:\\"]+@[^@\s<>()\[\],;:\\".]+(\.[^@\s<>()\[\],;:\\".]+)*')


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
        "users:write_any",
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
    Role.ADMIN: _SUPPORT_SCOPES | _CATALOG_SCOPES | {"users:admin", "payments:write", "ops:events", "ops:read"},
}


def scopes_of(roles: Iterable[Role]) -> frozenset[str]:
    """Union of the scopes of all roles; what an access token carries."""
    return frozenset().union(*(SCOPES_BY_ROLE[role] for role in roles))


def check_name(name: str) -> str:
    """The name without surrounding space, in Unicode NFC. Raises InvalidUserInputError."""
    cleaned = unicodedata.normalize("NFC", name).strip()
    if not cleaned or len(cleaned) > MAX_NAME_CHARACTERS or not is_printable_line(cleaned):
        raise InvalidUserInputError(f"The name must have 1 to {MAX_NAME_CHARACTERS} printable characters.", "name")
    return cleaned


def check_email(email: str) -> str:
    """The address as it is compared: NFC, lower case, no surrounding space. Raises InvalidUserInputError."""
    cleaned = unicodedata.normalize("NFC", email).strip().lower()
    is_address = EMAIL_PATTERN.fullmatch(cleaned) and is_printable_line(cleaned)
    if len(cleaned) > MAX_EMAIL_CHARACTERS or not is_address:
        raise InvalidUserInputError("This is not an e-mail address.", "email")
    return cleaned


def check_password(password: str) -> str:
    """Raises InvalidUserInputError. Length is the only rule (NIST SP 800-63B section 3.1.1)."""
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise InvalidUserInputError(
            f"The password must have {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters.", "password"
        )
    return password


MAX_LABEL_CHARACTERS = 60
MAX_ADDRESS_FIELD_CHARACTERS = 200
REQUIRED_ADDRESS_FIELDS = ("street", "city", "zip", "country")


def check_label(label: str | None) -> str | None:
    """Raises InvalidUserInputError."""
    cleaned = label.strip() if label else None
    if cleaned and (len(cleaned) > MAX_LABEL_CHARACTERS or not cleaned.isprintable()):
        raise InvalidUserInputError(
            f"The label must have at most {MAX_LABEL_CHARACTERS} printable characters.", "label"
        )
    return cleaned or None


def check_postal_address(address: dict[str, str | None]) -> dict[str, str | None]:
    """All values stripped; an empty one is None. Raises InvalidUserInputError for the first field that is wrong."""
    cleaned = {name: (value or "").strip() or None for name, value in address.items()}
    for name, value in cleaned.items():
        if value is None:
            if name in REQUIRED_ADDRESS_FIELDS:
                raise InvalidUserInputError(f"The address needs a {name}.", f"address.{name}")
        elif len(value) > MAX_ADDRESS_FIELD_CHARACTERS or not value.isprintable():
            raise InvalidUserInputError(
                f"{name} must have at most {MAX_ADDRESS_FIELD_CHARACTERS} printable characters.", f"address.{name}"
            )
    country = cleaned["country"] or ""
    if not re.fullmatch("[A-Za-z]{2}", country):
        raise InvalidUserInputError("The country must be an ISO 3166 code of two letters.", "address.country")
    return {**cleaned, "country": country.upper()}
