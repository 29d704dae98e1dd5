"""GraphQL types of the users subgraph and how records become them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self, TypeAlias
from uuid import UUID

import orjson
import strawberry

from common.ids import InvalidIdError, format_id, parse_id
from common.subgraph.access import may_see, require_owner, require_scope
from common.subgraph.context import Context
from common.subgraph.database import Row
from common.subgraph.schema import Representation
from common.subgraph.types import (
    IdempotencyConflictError,
    InvalidInputError,
    NotFoundError,
    PostalAddress,
    UserError,
)
from subgraphs.users.domain import ADDRESS_ID_PREFIX, ID_PREFIX, Role, UserStatus
from subgraphs.users.loaders import UserLoaders
from subgraphs.users.service import UserService, address_place
from subgraphs.users.service.accounts import Account, Vault
from subgraphs.users.service.tokens import TokenSet

Info: TypeAlias = strawberry.Info[Context[UserService, UserLoaders], None]

READ_ANY = "users:read_any"
WRITE_ANY = "users:write_any"
ADMIN = "users:admin"

# the domain knows no GraphQL: its enumerations are made known to it here
strawberry.enum(UserStatus)
strawberry.enum(Role)


@strawberry.type
class CustomerAddress:
    id: strawberry.ID
    label: str | None
    is_default: bool
    address: PostalAddress

    @classmethod
    def of(cls, row: Row, vault: Vault) -> Self:
        opened = vault.open(
            row["address_sealed"],
            address_place(row["id"]),
            wrapped_key=row["wrapped_key"],
            user_id=row["user_id"],
        )
        return cls(
            id=strawberry.ID(format_id(ADDRESS_ID_PREFIX, row["id"])),
            label=row["label"],
            is_default=row["is_default"],
            address=PostalAddress.from_dict(orjson.loads(opened)),
        )


@strawberry.federation.type(keys=["id"])
class User:
    account: strawberry.Private[Account]
    id: strawberry.ID
    name: str
    status: UserStatus
    version: int
    created_at: datetime
    last_login_at: datetime | None

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(
            account=account,
            id=strawberry.ID(account.public_id),
            name=account.name,
            status=account.status,
            version=account.version,
            created_at=account.created_at,
            last_login_at=account.last_login_at,
        )

    @strawberry.federation.field(authenticated=True, description="Of oneself; of others with users:read_any")
    def email(self, info: Info) -> str:
        require_owner(info.context.principal, self.id, any_scope=READ_ANY)
        return self.account.email

    @strawberry.federation.field(authenticated=True, description="Whether a link sent to `email` was used")
    def email_verified(self, info: Info) -> bool:
        require_owner(info.context.principal, self.id, any_scope=READ_ANY)
        return self.account.is_email_verified

    @strawberry.federation.field(authenticated=True, description="The address that `email` becomes once confirmed")
    def new_email(self, info: Info) -> str | None:
        require_owner(info.context.principal, self.id, any_scope=READ_ANY)
        return self.account.new_email

    @strawberry.federation.field(authenticated=True, description="E.164: + and digits")
    def phone(self, info: Info) -> str | None:
        require_owner(info.context.principal, self.id, any_scope=READ_ANY)
        return self.account.phone

    @strawberry.federation.field(authenticated=True, description="Language of messages, such as en or de-AT")
    def locale(self, info: Info) -> str:
        require_owner(info.context.principal, self.id, any_scope=READ_ANY)
        return self.account.locale

    @strawberry.federation.field(requires_scopes=[[READ_ANY]])
    def roles(self, info: Info) -> list[Role]:
        require_scope(info.context.principal, READ_ANY)
        return list(self.account.roles)

    @strawberry.federation.field(authenticated=True, description="Of oneself; of others with users:read_any")
    async def addresses(self, info: Info) -> list[CustomerAddress]:
        require_owner(info.context.principal, self.id, any_scope=READ_ANY)
        rows = await info.context.loaders.addresses.load(self.account.id)
        return [CustomerAddress.of(row, info.context.service.vault) for row in rows]

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> list["User | None"]:
        return await visible_users(info, [str(representation.get("id")) for representation in representations])


async def visible_users(info: Info, ids: Sequence[str]) -> list[User | None]:
    """Users by id, in the order asked for: None where there is none or the caller may not know."""
    uuids = [
        _uuid(user_id) if may_see(info.context.principal, user_id, any_scope=READ_ANY) else None for user_id in ids
    ]
    accounts = iter(await info.context.loaders.account.load_many([uuid for uuid in uuids if uuid is not None]))
    found = [next(accounts) if uuid is not None else None for uuid in uuids]
    return [User.of(account) if account is not None else None for account in found]


def _uuid(user_id: str) -> UUID | None:
    try:
        return parse_id(ID_PREFIX, user_id)
    except InvalidIdError:
        return None


@strawberry.type
class EmailTakenError(UserError):
    pass


@strawberry.type
class BadCredentialsError(UserError):
    pass


@strawberry.type
class AuthTokens:
    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int = strawberry.field(description="Seconds the access token is valid")
    device_token: str = strawberry.field(
        description="Keep it on the device, also after a logout, and show it at the next login: "
        "others who try passwords cannot then keep this device out"
    )

    @classmethod
    def of(cls, tokens: TokenSet) -> Self:
        return cls(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            token_type="Bearer",  # noqa: S106  # the name of a scheme, not a secret
            expires_in=tokens.expires_in_s,
            device_token=tokens.device_token,
        )


UserRegisterError = Annotated[
    InvalidInputError | EmailTakenError | IdempotencyConflictError, strawberry.union("UserRegisterError")
]
AuthError = Annotated[InvalidInputError | BadCredentialsError, strawberry.union("AuthError")]
ConfirmError = Annotated[InvalidInputError | BadCredentialsError | EmailTakenError, strawberry.union("ConfirmError")]
EmailChangeError = Annotated[
    InvalidInputError | BadCredentialsError | NotFoundError, strawberry.union("EmailChangeError")
]
UserPayloadError = Annotated[InvalidInputError | NotFoundError, strawberry.union("UserPayloadError")]


@strawberry.type
class UserRegisterPayload:
    user: User | None = None
    tokens: AuthTokens | None = None
    errors: list[UserRegisterError] = strawberry.field(default_factory=list)


@strawberry.type
class AuthPayload:
    user: User | None = None
    tokens: AuthTokens | None = None
    errors: list[AuthError] = strawberry.field(default_factory=list)


@strawberry.type
class ConfirmPayload:
    confirmed: bool = False
    errors: list[ConfirmError] = strawberry.field(default_factory=list)


@strawberry.type
class EmailChangePayload:
    user: User | None = None
    errors: list[EmailChangeError] = strawberry.field(default_factory=list)


@strawberry.type
class UserPayload:
    user: User | None = None
    errors: list[UserPayloadError] = strawberry.field(default_factory=list)


@strawberry.input
class UserRegisterInput:
    name: str
    email: str
    password: str | None = None
    idempotency_key: str | None = None


@strawberry.input
class LoginInput:
    email: str
    password: str
    device_token: str | None = strawberry.field(default=None, description="Of an earlier login on this device")


@strawberry.input
class UserUpdateInput:
    id: strawberry.ID
    name: str | None = None
    phone: str | None = strawberry.field(default=None, description="Empty to remove it")
    locale: str | None = None
    expected_version: int | None = None


@strawberry.input
class PasswordChangeInput:
    current_password: str
    new_password: str
    device_token: str | None = None


@strawberry.input
class EmailChangeInput:
    new_email: str
    password: str
    device_token: str | None = None
