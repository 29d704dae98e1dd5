"""Rules about users: what a name, an e-mail address and a password must be, and which scopes a role brings."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from enum import Enum

from common.text import is_printable_line
from subgraphs.users.errors import InvalidUserInputError

ID_PREFIX = "usr"
ADDRESS_ID_PREFIX = "adr"
SESSION_ID_PREFIX = "ses"

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
    #: nothing personal is left; the id stays for the orders that name it
    ERASED = "ERASED"


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


def check_email(email: str, field: str = "email") -> str:
    """The address as it is compared: NFC, lower case, no surrounding space. Raises InvalidUserInputError."""
    cleaned = unicodedata.normalize("NFC", email).strip().lower()
    is_address = EMAIL_PATTERN.fullmatch(cleaned) and is_printable_line(cleaned)
    if len(cleaned) > MAX_EMAIL_CHARACTERS or not is_address:
        raise InvalidUserInputError("This is not an e-mail address.", field)
    return cleaned


#: ITU-T E.164, without the marks people write between digits
PHONE_PATTERN = re.compile(r"\+[1-9][0-9]{6,14}")
PHONE_MARKS = str.maketrans("", "", " -./()")


def check_phone(phone: str) -> str | None:
    """The number as it is dialled, `+` and digits; None for an empty one. Raises InvalidUserInputError."""
    cleaned = phone.strip().translate(PHONE_MARKS)
    if cleaned and not PHONE_PATTERN.fullmatch(cleaned):
        raise InvalidUserInputError("The telephone number must begin with + and the code of its country.", "phone")
    return cleaned or None


#: the languages messages are written in; a front end may know more
LOCALE_PATTERN = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")


def check_locale(locale: str) -> str:
    """A language as in BCP 47, with a country at most. Raises InvalidUserInputError."""
    if not LOCALE_PATTERN.fullmatch(locale):
        raise InvalidUserInputError("The locale must be a language such as en or de-AT.", "locale")
    return locale


def check_password(password: str, field: str = "password") -> str:
    """Raises InvalidUserInputError. Length is the only rule (NIST SP 800-63B section 3.1.1)."""
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise InvalidUserInputError(
            f"The password must have {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters.", field
        )
    return password


class LinkKind(Enum):
    """What the link in a message is for."""

    EMAIL_VERIFICATION = "email_verification"
    #: goes to the new address
    EMAIL_CHANGE = "email_change"
    PASSWORD_RESET = "password_reset"  # noqa: S105  # a kind of link


LINK_LIFETIMES = {
    LinkKind.EMAIL_VERIFICATION: timedelta(days=3),
    LinkKind.EMAIL_CHANGE: timedelta(hours=24),
    # whoever reads the message later may be somebody else
    LinkKind.PASSWORD_RESET: timedelta(minutes=30),
}

MAX_ADDRESS_COUNT = 20
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
