import pytest

from subgraphs.users.domain import (
    SCOPES_BY_ROLE,
    Role,
    check_email,
    check_locale,
    check_name,
    check_password,
    check_phone,
    check_postal_address,
    scopes_of,
)
from subgraphs.users.errors import InvalidUserInputError

HOME = {
    "street": " Elm 1 ",
    "city": "Springfield",
    "zip": "1",
    "country": "us",
    "name": "",
    "state": None,
    "phone": None,
}


def test_addresses_are_compared_in_one_form() -> None:
    assert check_email("  ZOË@Example.ORG ") == check_email("zoe\u0308@example.org") == "zoë@example.org"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "@b",
        "a@",
        "a@b@c",
        "a b@c.d",
        "a@b..c",
        "a@.b",
        "a@b.",
        "a\n@b.c",
        "a\0@b.c",
        "a" * 251 + "@b.c",
        "<a>@b.c",
        "a@b,c",
        "a;b@c.d",
        "\u202ea@b.c",
    ],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(InvalidUserInputError) as refused:
        check_email(email)
    assert refused.value.field == "email"


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "a\0b", "line\nbreak", "\u202eecila"])
def test_a_name_is_something_one_can_print(name: str) -> None:
    with pytest.raises(InvalidUserInputError):
        check_name(name)


@pytest.mark.parametrize("length", [0, 7, 257])
def test_a_password_has_a_reasonable_length(length: int) -> None:
    with pytest.raises(InvalidUserInputError):
        check_password("x" * length)
    assert check_password("x" * 8) == "x" * 8


@pytest.mark.parametrize(
    ("written", "dialled"),
    [("+49 (170) 555-0199", "+491705550199"), ("+1.212.555.0100", "+12125550100"), ("  ", None), ("", None)],
)
def test_a_telephone_number_is_kept_as_it_is_dialled(written: str, dialled: str | None) -> None:
    assert check_phone(written) == dialled


@pytest.mark.parametrize(
    "phone", ["0170 5550199", "+0170555019", "+49", "+49170555019912345", "+49 17O 5550199", "+٤٩١٧٠٥٥٥٠١٩٩"]
)
def test_what_cannot_be_dialled_is_refused(phone: str) -> None:
    with pytest.raises(InvalidUserInputError) as refused:
        check_phone(phone)
    assert refused.value.field == "phone"


@pytest.mark.parametrize("locale", ["", "EN", "english", "de_AT", "de-at", "de-AT-1996", "../en"])
def test_what_is_no_language_is_refused(locale: str) -> None:
    with pytest.raises(InvalidUserInputError):
        check_locale(locale)
    assert check_locale("pt-BR") == "pt-BR"


def test_a_postal_address_is_cleaned() -> None:
    assert check_postal_address(HOME) == HOME | {"street": "Elm 1", "country": "US", "name": None}


@pytest.mark.parametrize(("field", "value"), [("street", " "), ("zip", None), ("country", "USA"), ("city", "x" * 201)])
def test_a_wrong_address_field_is_named(field: str, value: str | None) -> None:
    with pytest.raises(InvalidUserInputError) as refused:
        check_postal_address(HOME | {field: value})
    assert refused.value.field == f"address.{field}"


def test_customers_hold_no_scope_and_an_administrator_holds_all() -> None:
    every_scope = frozenset().union(*SCOPES_BY_ROLE.values())

    assert scopes_of([Role.CUSTOMER]) == frozenset()
    assert scopes_of([Role.ADMIN]) == every_scope
    assert scopes_of([Role.SUPPORT, Role.CATALOG_MANAGER]) < every_scope
    assert not scopes_of([Role.SUPPORT]) & {"users:admin", "payments:write", "inventory:write", "ops:events"}
