"""GraphQL types of the notifications subgraph and how rows become them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Self, TypeAlias
from uuid import UUID

import orjson
import strawberry

from common.ids import InvalidIdError, format_id, parse_id
from common.subgraph.access import may_see, require_owner, require_scope
from common.subgraph.connections import Connection
from common.subgraph.context import Context
from common.subgraph.database import Row
from common.subgraph.keyset import page_request
from common.subgraph.schema import Representation
from subgraphs.notifications.domain.rendering import render
from subgraphs.notifications.domain.texts import DEFAULT_LANGUAGE
from subgraphs.notifications.domain.words import (
    ID_PREFIX,
    ORDER_ID_PREFIX,
    USER_ID_PREFIX,
    Category,
    Channel,
    DeliveryStatus,
    PushPlatform,
)
from subgraphs.notifications.loaders import NEWEST_FIRST, NotificationLoaders, PageKey
from subgraphs.notifications.service import FoundLetter, NotificationService
from subgraphs.notifications.service.inbox import ALL

Info: TypeAlias = strawberry.Info[Context[NotificationService, NotificationLoaders], None]

#: support sees what a customer was told
READ_ANY = "users:read_any"
READ_ANY_ORDER = "orders:read_any"
OPERATE = "ops:events"

# the domain knows no GraphQL: its enumerations are made known to it here
strawberry.enum(Channel)
strawberry.enum(Category, name="NotificationCategory")
strawberry.enum(PushPlatform)
strawberry.enum(DeliveryStatus)


@strawberry.type
class ChannelPreference:
    channel: Channel
    category: Category | None = strawberry.field(description="null: all categories not named beside it")
    enabled: bool


@strawberry.federation.type(keys=["id"])
class Notification:
    user_id: strawberry.Private[UUID]
    order_id: strawberry.Private[UUID | None]
    row: strawberry.Private[Row]
    id: strawberry.ID
    channel: Channel
    category: Category
    template: str
    status: DeliveryStatus
    attempts: int
    read_at: datetime | None
    created_at: datetime

    @strawberry.field(description="In the language asked for, English where nobody has translated it")
    def title(self, locale: str = DEFAULT_LANGUAGE) -> str:
        return str(self.row["title"] or render(self.template, locale, _data(self.row)).title)

    @strawberry.field(description="In the language asked for, English where nobody has translated it")
    def body(self, locale: str = DEFAULT_LANGUAGE) -> str:
        return str(self.row["body"] or render(self.template, locale, _data(self.row)).body)

    @strawberry.field
    def recipient(self) -> "User":
        return User(id=strawberry.ID(format_id(USER_ID_PREFIX, self.user_id)))

    @strawberry.field
    def order(self) -> "Order | None":
        return Order(id=strawberry.ID(format_id(ORDER_ID_PREFIX, self.order_id))) if self.order_id else None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(
            user_id=row["user_id"],
            order_id=row["order_id"],
            row=row,
            id=strawberry.ID(format_id(ID_PREFIX, row["id"])),
            channel=Channel(row["channel"]),
            category=Category(row["category"]),
            template=row["template"],
            status=DeliveryStatus(row["status"]),
            attempts=row["attempts"],
            read_at=row["read_at"],
            created_at=row["created_at"],
        )

    @classmethod
    async def resolve_references(
        cls, info: Info, representations: Sequence[Representation]
    ) -> list["Notification | None"]:
        """Null where there is none or it is somebody else's."""
        uuids = [uuid_of(ID_PREFIX, representation.get("id")) for representation in representations]
        rows = iter(await info.context.loaders.notification.load_many([uuid for uuid in uuids if uuid]))
        found = [next(rows) if uuid else None for uuid in uuids]
        return [cls.of(row) if row is not None and _is_visible(info, row) else None for row in found]


def _data(row: Row) -> dict[str, str]:
    data: dict[str, str] = orjson.loads(row["data"]) if row["data"] else {}
    return data


def _is_visible(info: Info, row: Row) -> bool:
    return may_see(info.context.principal, format_id(USER_ID_PREFIX, row["user_id"]), any_scope=READ_ANY)


@strawberry.type
class NotificationConnection(Connection[Notification]):
    user_id: strawberry.Private[UUID]

    @strawberry.field(description="Entries of the list in the shop (channel IN_APP) that were not marked as read")
    async def unread_count(self, info: Info) -> int:
        row = await info.context.loaders.unread_count.load(self.user_id)
        return int(row["unread_count"]) if row else 0


@strawberry.federation.type(keys=["id"])
class User:
    id: strawberry.ID

    @strawberry.federation.field(authenticated=True, description="Of oneself; of others with users:read_any")
    async def notification_preferences(self, info: Info) -> list[ChannelPreference] | None:
        require_owner(info.context.principal, self.id, any_scope=READ_ANY)
        user_id = uuid_of(USER_ID_PREFIX, self.id)
        if user_id is None:
            return None
        rows = await info.context.loaders.preferences.load(user_id)
        has_device = await info.context.loaders.device_count.load(user_id) is not None
        by_default = {Channel.EMAIL: True, Channel.SMS: False, Channel.PUSH: has_device, Channel.IN_APP: True}
        said = {(row["channel"], row["category"]): bool(row["is_enabled"]) for row in rows}
        return [
            ChannelPreference(channel=channel, category=category, enabled=enabled)
            for channel, default in by_default.items()
            for category, enabled in _preferences(channel, default, said)
        ]

    @strawberry.federation.field(authenticated=True, description="Newest first, on all channels; see also unreadOnly")
    async def notifications(
        self, info: Info, first: int | None = 20, after: str | None = None, unread_only: bool = False
    ) -> NotificationConnection | None:
        require_owner(info.context.principal, self.id, any_scope=READ_ANY)
        user_id = uuid_of(USER_ID_PREFIX, self.id)
        if user_id is None:
            return None
        filter_by = {"user": self.id, "unread": unread_only}
        request = page_request(NEWEST_FIRST, first=first, after=after, filter_by=filter_by)
        page = await info.context.loaders.page.load(PageKey(user_id, request, unread_only))
        return NotificationConnection.of(page, Notification.of, user_id=user_id)

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> list["User"]:
        """Users are known elsewhere: any id will do, its fields check who asks."""
        return [cls(id=strawberry.ID(str(representation.get("id")))) for representation in representations]


def _preferences(
    channel: Channel, by_default: bool, said: Mapping[tuple[str, str], bool]
) -> Iterator[tuple[Category | None, bool]]:
    """For the whole channel, then for the categories something was said about."""
    yield None, said.get((channel.value, ALL), by_default)
    for category in Category:
        if (channel.value, category.value) in said:
            yield category, said[channel.value, category.value]


@strawberry.federation.type(keys=["id"])
class Order:
    id: strawberry.ID

    @strawberry.federation.field(requires_scopes=[[READ_ANY_ORDER]], description="Oldest first, on all channels")
    async def notifications(self, info: Info) -> list[Notification] | None:
        require_scope(info.context.principal, READ_ANY_ORDER)
        order_id = uuid_of(ORDER_ID_PREFIX, self.id)
        if order_id is None:
            return None
        return [Notification.of(row) for row in await info.context.loaders.of_order.load(order_id)]

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> list["Order"]:
        """Orders are known elsewhere: any id will do."""
        return [cls(id=strawberry.ID(str(representation.get("id")))) for representation in representations]


@strawberry.type(description="An event a consumer has given up on, or a message (id `ntf_…`) no provider took")
class DeadLetter:
    id: strawberry.ID
    event_id: strawberry.ID | None
    consumer: str
    event_type: str
    attempts: int
    last_error: str
    first_failed_at: datetime

    @classmethod
    def of(cls, letter: FoundLetter) -> Self:
        return cls(
            id=strawberry.ID(letter.id),
            event_id=strawberry.ID(letter.event_id) if letter.event_id else None,
            consumer=letter.consumer,
            event_type=letter.event_type,
            attempts=letter.attempts,
            last_error=letter.last_error,
            first_failed_at=letter.first_failed_at,
        )


def uuid_of(prefix: str, text: object) -> UUID | None:
    """None for anything that is no id of that kind."""
    try:
        return parse_id(prefix, str(text))
    except InvalidIdError:
        return None
