"""Root fields of the users subgraph: each calls the service or a loader and maps what comes back."""

from collections.abc import Awaitable
from typing import Any

import strawberry
from strawberry.federation.schema_directives import ListSize

from common.errors import BadInputError, UnauthenticatedError
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
from subgraphs.users.service.accounts import Account
from subgraphs.users.service.tokens import TokenSet
from subgraphs.users.types import (
    ADMIN,
    READ_ANY,
    WRITE_ANY,
    AuthPayload,
    AuthTokens,
    BadCredentialsError,
    ConfirmPayload,
    EmailChangeInput,
    EmailChangePayload,
    EmailTakenError,
    Info,
    LoginInput,
    PasswordChangeInput,
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
        description="Newest first. `query` is an e-mail address in full: nothing less is kept that could be searched",
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
        # what is no address belongs to nobody: the hash of nothing is no hash
        email_hash = None if query is None else service.vault.email_hash_of_search(query) or ""
        page = await load_user_page(service.database, request, email_hash=email_hash)
        return Connection[User].of(page, lambda row: User.of(service.vault.account_of(row)))


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Without a password the account is a guest's until one is set through a link")
    async def user_register(self, info: Info, input: UserRegisterInput) -> UserRegisterPayload:
        try:
            account, tokens = await info.context.service.registration.register(
                name=input.name, email=input.email, password=input.password, idempotency_key=input.idempotency_key
            )
        except REFUSALS as refusal:
            return UserRegisterPayload(errors=[user_error(refusal)])
        return UserRegisterPayload(user=User.of(account), tokens=AuthTokens.of(tokens) if tokens else None)

    @strawberry.mutation
    async def login(self, info: Info, input: LoginInput) -> AuthPayload:
        return await _auth_payload(info.context.service.logins.login(input.email, input.password, input.device_token))

    @strawberry.mutation(description="A refresh token works once; using it again ends that login everywhere")
    async def token_refresh(self, info: Info, refresh_token: str) -> AuthPayload:
        return await _auth_payload(info.context.service.logins.refresh(refresh_token))

    @strawberry.federation.mutation(
        authenticated=True, description="Ends the login the access token belongs to; false when there is none to end"
    )
    async def logout(self, info: Info) -> bool:
        principal = info.context.principal
        return await info.context.service.logins.logout(require_user(principal), principal.session)

    @strawberry.federation.mutation(authenticated=True, description="Ends all logins of the caller")
    async def logout_all(self, info: Info) -> bool:
        await info.context.service.logins.logout_all(require_user(info.context.principal))
        return True

    @strawberry.mutation(
        description="Sends a link to that address if it has an account. Always true: nobody learns whether it has"
    )
    async def password_reset_request(self, info: Info, email: str) -> bool:
        try:
            await info.context.service.credentials.request_reset(email)
        except errors.InvalidUserInputError as refusal:
            raise BadInputError(refusal.message) from refusal
        return True

    @strawberry.mutation(description="With the token of the link. Ends all other logins and logs in")
    async def password_reset(self, info: Info, token: str, new_password: str) -> AuthPayload:
        return await _auth_payload(info.context.service.credentials.reset(token, new_password))

    @strawberry.federation.mutation(authenticated=True, description="Ends all other logins and logs in anew")
    async def password_change(self, info: Info, input: PasswordChangeInput) -> AuthPayload:
        subject = require_user(info.context.principal)
        return await _auth_payload(
            info.context.service.credentials.change(
                subject, input.current_password, input.new_password, input.device_token
            )
        )

    @strawberry.federation.mutation(authenticated=True, description="Sends the caller another link, unless verified")
    async def email_verification_request(self, info: Info) -> bool:
        try:
            await info.context.service.emails.request_verification(require_user(info.context.principal))
        except errors.UserNotFoundError as refusal:  # a caller who was erased a moment ago
            raise UnauthenticatedError(refusal.message) from refusal
        return True

    @strawberry.federation.mutation(
        authenticated=True, description="Sends a link to the new address, which replaces the present one once used"
    )
    async def email_change_request(self, info: Info, input: EmailChangeInput) -> EmailChangePayload:
        subject = require_user(info.context.principal)
        try:
            account = await info.context.service.emails.request_change(
                subject, input.new_email, input.password, input.device_token
            )
        except REFUSALS as refusal:
            return EmailChangePayload(errors=[user_error(refusal)])
        return EmailChangePayload(user=User.of(account))

    @strawberry.mutation(description="With the token of a link: verifies the address it was sent to, or moves there")
    async def email_confirm(self, info: Info, token: str) -> ConfirmPayload:
        try:
            await info.context.service.emails.confirm(token)
        except REFUSALS as refusal:
            return ConfirmPayload(errors=[user_error(refusal)])
        return ConfirmPayload(confirmed=True)

    @strawberry.federation.mutation(authenticated=True, description="Oneself; others with users:write_any")
    async def user_update(self, info: Info, input: UserUpdateInput) -> UserPayload:
        require_owner(info.context.principal, input.id, any_scope=WRITE_ANY)
        return await _user_payload(
            info.context.service.profile.update(
                input.id,
                name=input.name,
                phone=input.phone,
                locale=input.locale,
                expected_version=input.expected_version,
            )
        )

    @strawberry.federation.mutation(authenticated=True, description="Adds to the caller's addresses, or replaces `id`")
    async def address_save(
        self,
        info: Info,
        address: PostalAddressInput,
        id: strawberry.ID | None = None,
        label: str | None = None,
        is_default: bool = False,
    ) -> UserPayload:
        subject = require_user(info.context.principal)
        return await _user_payload(
            info.context.service.profile.save_address(
                subject, address_id=id, label=label, address=address.to_dict(), is_default=is_default
            )
        )

    @strawberry.federation.mutation(authenticated=True, description="Of the caller's own")
    async def address_delete(self, info: Info, id: strawberry.ID) -> UserPayload:
        subject = require_user(info.context.principal)
        return await _user_payload(info.context.service.profile.delete_address(subject, id))

    @strawberry.federation.mutation(authenticated=True, description="Of the caller's own")
    async def address_default_set(self, info: Info, id: strawberry.ID) -> UserPayload:
        subject = require_user(info.context.principal)
        return await _user_payload(info.context.service.profile.set_default_address(subject, id))

    @strawberry.federation.mutation(requires_scopes=[[ADMIN]])
    async def user_roles_set(self, info: Info, id: strawberry.ID, roles: list[Role]) -> UserPayload:
        require_scope(info.context.principal, ADMIN)
        return await _user_payload(info.context.service.administration.set_roles(id, roles))

    @strawberry.federation.mutation(
        requires_scopes=[[ADMIN]],
        description="Ends all logins at once, until userReinstate. Orders and what belongs to them go on",
    )
    async def user_suspend(self, info: Info, id: strawberry.ID) -> UserPayload:
        require_scope(info.context.principal, ADMIN)
        return await _user_payload(info.context.service.administration.suspend(id))

    @strawberry.federation.mutation(requires_scopes=[[ADMIN]], description="Who was suspended may log in again")
    async def user_reinstate(self, info: Info, id: strawberry.ID) -> UserPayload:
        require_scope(info.context.principal, ADMIN)
        return await _user_payload(info.context.service.administration.reinstate(id))

    @strawberry.federation.mutation(
        authenticated=True,
        description="Forgets all that is personal, here and elsewhere, for good. Oneself; others with users:admin",
    )
    async def user_erase(self, info: Info, id: strawberry.ID) -> UserPayload:
        require_owner(info.context.principal, id, any_scope=ADMIN)
        return await _user_payload(info.context.service.administration.erase(id))


async def _auth_payload(answer: Awaitable[tuple[Account, TokenSet]]) -> AuthPayload:
    try:
        account, tokens = await answer
    except errors.UserNotFoundError as refusal:  # a caller who was erased a moment ago
        return AuthPayload(errors=[BadCredentialsError(message=refusal.message)])
    except REFUSALS as refusal:
        return AuthPayload(errors=[user_error(refusal)])
    return AuthPayload(user=User.of(account), tokens=AuthTokens.of(tokens))


async def _user_payload(answer: Awaitable[Account]) -> UserPayload:
    try:
        return UserPayload(user=User.of(await answer))
    except REFUSALS as refusal:
        return UserPayload(errors=[user_error(refusal)])


schema = create_schema("users", query=Query, mutation=Mutation)
