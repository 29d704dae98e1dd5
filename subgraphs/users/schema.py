"""Root fields of the users subgraph: each calls the service or a loader and maps what comes back."""

from typing import Any

import strawberry
from strawberry.federation.schema_directives import ListSize

from common.subgraph.access import require_owner, require_scope, require_user
from common.subgraph.connections import Connection
from common.subgraph.errors import IdempotencyConflictedError
from common.subgraph.keyset import page_request
from common.subgraph.schema import create_schema
from common.subgraph.types import (
    IdempotencyConflictError,
    InvalidInputError,
    NotFoundError,
    PostalAddressInput,
    UserError,
)
from subgraphs.users import errors
from subgraphs.users.domain import Role
from subgraphs.users.loaders import NEWEST_FIRST, load_user_page
from subgraphs.users.service.accounts import account_of
from subgraphs.users.types import (
    ADMIN,
    READ_ANY,
    WRITE_ANY,
    AuthPayload,
    AuthTokens,
    BadCredentialsError,
    EmailTakenError,
    Info,
    LoginInput,
    User,
    UserPayload,
    UserRegisterInput,
    UserRegisterPayload,
    UserUpdateInput,
    visible_users,
)

#: what the service raises -> the payload error a client gets
ERROR_TYPES: dict[type[Exception], type[UserError]] = {
    errors.InvalidUserInputError: InvalidInputError,
    errors.LastAdminError: InvalidInputError,
    errors.EmailTakenError: EmailTakenError,
    errors.BadCredentialsError: BadCredentialsError,
    errors.UserNotFoundError: NotFoundError,
    IdempotencyConflictedError: IdempotencyConflictError,
}
REFUSALS = (errors.RefusedError, IdempotencyConflictedError)


def user_error(refusal: Exception) -> Any:
    """The payload error of a refusal; Any, because each payload has its own union."""
    field = refusal.field if isinstance(refusal, errors.RefusedError) else "idempotencyKey"
    return ERROR_TYPES[type(refusal)](message=str(refusal), path=field.split(".") if field else None)


@strawberry.type
class Query:
    @strawberry.field(description="The caller; null if anonymous")
    async def me(self, info: Info) -> User | None:
        subject = info.context.principal.subject
        return (await visible_users(info, [subject]))[0] if subject else None

    @strawberry.federation.field(authenticated=True, description="Oneself; others with users:read_any, else null")
    async def user(self, info: Info, id: strawberry.ID) -> User | None:
        require_user(info.context.principal)
        return (await visible_users(info, [id]))[0]

    @strawberry.federation.field(
        requires_scopes=[[READ_ANY]],
        directives=[
            ListSize(
                assumed_size=None,
                slicing_arguments=["first", "last"],
                sized_fields=["edges", "nodes"],
                require_one_slicing_argument=False,
            )
        ],
        description="Newest first. `query` is part of a name, or an e-mail address in full",
    )
    async def users(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        query: str | None = None,
    ) -> Connection[User]:
        require_scope(info.context.principal, READ_ANY)
        service = info.context.service
        request = page_request(
            NEWEST_FIRST, first=first, after=after, last=last, before=before, filter_by={"query": query}
        )
        page = await load_user_page(service.database, request, name_part=query, email_hash=service.email_hash(query))
        return Connection[User].of(page, lambda row: User.of(account_of(row)))


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def user_register(self, info: Info, input: UserRegisterInput) -> UserRegisterPayload:
        try:
            account, pair = await info.context.service.register(
                name=input.name, email=input.email, password=input.password, idempotency_key=input.idempotency_key
            )
        except REFUSALS as refusal:
            return UserRegisterPayload(errors=[user_error(refusal)])
        return UserRegisterPayload(user=User.of(account), tokens=AuthTokens.of(pair) if pair else None)

    @strawberry.mutation
    async def login(self, info: Info, input: LoginInput) -> AuthPayload:
        try:
            account, pair = await info.context.service.login(input.email, input.password)
        except REFUSALS as refusal:
            return AuthPayload(errors=[user_error(refusal)])
        return AuthPayload(user=User.of(account), tokens=AuthTokens.of(pair))

    @strawberry.mutation(description="A refresh token works once; using it again ends that login everywhere")
    async def token_refresh(self, info: Info, refresh_token: str) -> AuthPayload:
        try:
            account, pair = await info.context.service.refresh(refresh_token)
        except REFUSALS as refusal:
            return AuthPayload(errors=[user_error(refusal)])
        return AuthPayload(user=User.of(account), tokens=AuthTokens.of(pair))

    @strawberry.federation.mutation(authenticated=True, description="Ends all logins of the caller")
    async def logout(self, info: Info) -> bool:
        await info.context.service.logout(require_user(info.context.principal))
        return True

    @strawberry.federation.mutation(authenticated=True, description="Oneself; others with users:write_any")
    async def user_update(self, info: Info, input: UserUpdateInput) -> UserPayload:
        require_owner(info.context.principal, input.id, any_scope=WRITE_ANY)
        try:
            account = await info.context.service.update(
                input.id, name=input.name, expected_version=input.expected_version
            )
        except REFUSALS as refusal:
            return UserPayload(errors=[user_error(refusal)])
        return UserPayload(user=User.of(account))

    @strawberry.federation.mutation(authenticated=True, description="Adds to the caller's addresses, or replaces `id`")
    async def address_save(
        self, info: Info, address: PostalAddressInput, id: strawberry.ID | None = None, label: str | None = None
    ) -> UserPayload:
        subject = require_user(info.context.principal)
        try:
            account = await info.context.service.save_address(
                subject, address_id=id, label=label, address=address.to_dict()
            )
        except REFUSALS as refusal:
            return UserPayload(errors=[user_error(refusal)])
        return UserPayload(user=User.of(account))

    @strawberry.federation.mutation(requires_scopes=[[ADMIN]])
    async def user_roles_set(self, info: Info, id: strawberry.ID, roles: list[Role]) -> UserPayload:
        require_scope(info.context.principal, ADMIN)
        try:
            account = await info.context.service.set_roles(id, roles)
        except REFUSALS as refusal:
            return UserPayload(errors=[user_error(refusal)])
        return UserPayload(user=User.of(account))


schema = create_schema("users", query=Query, mutation=Mutation)
