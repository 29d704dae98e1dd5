"""Root fields of the notifications subgraph."""

from collections.abc import AsyncGenerator
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Authenticated

from common.errors import BadInputError
from common.ids import InvalidIdError, parse_id
from common.subgraph.access import require_scope, require_user
from common.subgraph.schema import create_schema
from subgraphs.notifications.domain.words import ID_PREFIX, USER_ID_PREFIX, Category, Channel, PushPlatform
from subgraphs.notifications.types import OPERATE, DeadLetter, Info, Notification, Order, User

MAX_IDS = 100


@strawberry.type
class Query:
    @strawberry.federation.field(
        requires_scopes=[[OPERATE]], description="Newest first, of all subgraphs; at most 100 of each"
    )
    async def dead_letters(self, info: Info, first: int | None = 20, consumer: str | None = None) -> list[DeadLetter]:
        require_scope(info.context.principal, OPERATE)
        if first is not None and not 0 <= first <= MAX_IDS:
            raise BadInputError(f"`first` must lie between 0 and {MAX_IDS}.")
        limit = MAX_IDS if first is None else first
        letters = await info.context.service.dead_letters.newest(limit=limit, consumer=consumer)
        return [DeadLetter.of(letter) for letter in letters]


@strawberry.type
class Mutation:
    @strawberry.federation.mutation(
        authenticated=True,
        description="Of one category, or of the whole channel. E-mails about security are sent all the same",
    )
    async def notification_preference_set(
        self, info: Info, channel: Channel, enabled: bool, category: Category | None = None
    ) -> User:
        await info.context.service.inbox.set_preference(_caller(info), channel, enabled, category)
        return _me(info)

    @strawberry.federation.mutation(authenticated=True, description="Every entry of the caller's list in the shop")
    async def notification_mark_all_read(self, info: Info) -> User:
        await info.context.service.inbox.mark_all_read(_caller(info))
        return _me(info)

    @strawberry.federation.mutation(
        authenticated=True, description="This device wants messages; the token is its push provider's"
    )
    async def push_device_register(self, info: Info, token: str, platform: PushPlatform) -> User:
        await info.context.service.devices.register(_caller(info), token, platform)
        return _me(info)

    @strawberry.federation.mutation(authenticated=True, description="This device wants no messages any more")
    async def push_device_remove(self, info: Info, token: str) -> User:
        await info.context.service.devices.remove(_caller(info), token)
        return _me(info)

    @strawberry.federation.mutation(authenticated=True, description="The caller's own; other ids have no effect")
    async def notification_mark_read(self, info: Info, ids: list[strawberry.ID]) -> User:
        user_id = _caller(info)
        await info.context.service.inbox.mark_read(user_id, _notification_ids(ids))
        return _me(info)

    @strawberry.federation.mutation(
        requires_scopes=[[OPERATE]], description="Has consumers and senders try again; returns the letters found"
    )
    async def dead_letter_replay(self, info: Info, ids: list[strawberry.ID]) -> list[DeadLetter]:
        require_scope(info.context.principal, OPERATE)
        _require_few(ids)
        return [DeadLetter.of(letter) for letter in await info.context.service.dead_letters.replay(ids)]


@strawberry.type
class Subscription:
    @strawberry.subscription(directives=[Authenticated()], description="New entries in the caller's list")
    async def notification_received(self, info: Info) -> AsyncGenerator[Notification, None]:
        subject = require_user(info.context.principal)
        feed = info.context.service.received
        async with feed.listen(lambda event: event.payload.get("user_id") == subject) as events:
            async for event in events:
                info.context.refresh()
                row = await info.context.loaders.notification.load(parse_id(ID_PREFIX, event.aggregate_id))
                if row is not None:
                    yield Notification.of(row)


def _caller(info: Info) -> UUID:
    """Raises UnauthenticatedError; a part of the system has no notifications either."""
    subject = require_user(info.context.principal)
    try:
        return parse_id(USER_ID_PREFIX, subject)
    except InvalidIdError as exc:
        raise BadInputError("Only users have notifications.") from exc


def _me(info: Info) -> User:
    return User(id=strawberry.ID(require_user(info.context.principal)))


def _notification_ids(ids: list[strawberry.ID]) -> list[UUID]:
    _require_few(ids)
    try:
        return [parse_id(ID_PREFIX, text) for text in ids]
    except InvalidIdError as exc:
        raise BadInputError(str(exc)) from exc


def _require_few(ids: list[strawberry.ID]) -> None:
    if len(ids) > MAX_IDS:
        raise BadInputError(f"At most {MAX_IDS} ids at once.")


schema = create_schema("notifications", query=Query, mutation=Mutation, subscription=Subscription, types=[Order])
