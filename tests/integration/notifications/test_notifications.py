"""Notifications on real PostgreSQL and NATS, with the users subgraph beside it in the same process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from common.auth import ANONYMOUS, CONTEXT_HEADER, ContextSigner, Principal
from common.clock import SystemClock
from common.events import Bus, Event, new_event
from common.ids import new_id
from common.subgraph.statements import record_statements
from subgraphs.notifications.app import create_app
from subgraphs.notifications.errors import DeliveryError, UndeliverableError
from subgraphs.notifications.service.mail import Mail
from subgraphs.notifications.settings import NotificationsSettings
from subgraphs.users.domain import Role
from tests.kit.subgraph import SECRET, SubgraphClient, as_user, fresh_database_name, running, settings_of, websocket
from tests.kit.users import users_app, users_settings

pytestmark = pytest.mark.anyio

POLL_S = 0.02

SUPPORT, ADMIN = as_user(new_id("usr"), Role.SUPPORT), as_user(new_id("usr"), Role.ADMIN)
INBOX = """{ _entities(representations: [{__typename: "User", id: "ID"}]) { ... on User { notifications(first: 50) {
  nodes { id channel template title body status attempts readAt recipient { id } order { id } }
  unreadCount pageInfo { hasNextPage } } } } }"""


class Outbound:
    """Mailer whose answer to an address can be chosen."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.failures_by_address: dict[str, list[Exception]] = {}

    async def send(self, mail: Mail) -> None:
        if failures := self.failures_by_address.get(mail.to):
            raise failures.pop(0)
        self.sent.append(mail)

    async def close(self) -> None:
        return None


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def outbound() -> Outbound:
    return Outbound()


@pytest.fixture(scope="module")
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_url, name="test")
    yield bus
    await bus.close()


@pytest.fixture(scope="module")
async def users(postgres_url: str, nats_url: str) -> AsyncIterator[SubgraphClient]:
    async with running(users_app(users_settings(postgres_url, nats_url))) as client:
        yield client


@pytest.fixture(scope="module")
async def notifications(
    postgres_url: str, nats_url: str, outbound: Outbound, users: SubgraphClient
) -> AsyncIterator[SubgraphClient]:
    settings = NotificationsSettings(**settings_of(postgres_url, nats_url))
    app = create_app(settings, database_name=fresh_database_name("notifications"), mailer=outbound)
    async with running(app) as client:
        yield client


async def register(users: SubgraphClient, name: str) -> Principal:
    document = """mutation($name: String!, $email: String!) {
      userRegister(input: {name: $name, email: $email, password: "a good password"}) { user { id } } }"""
    answer = await users.data(document, {"name": name, "email": f"{name.lower()}@example.org"})
    return as_user(answer["userRegister"]["user"]["id"], Role.CUSTOMER)


def order_event(event_type: str, customer: Principal, **changes: Any) -> Event:
    order_id = new_id("ord")
    payload = {
        "order_id": order_id,
        "number": "1001",
        "customer_id": customer.subject,
        "status": "CONFIRMED",
        "total_minor": 129999,
        "currency": "USD",
        "version": 3,
    } | changes
    return new_event(
        event_type, aggregate_id=order_id, aggregate_version=3, payload=payload, source="orders", clock=SystemClock()
    )


async def inbox(notifications: SubgraphClient, owner: Principal) -> dict[str, Any]:
    document = INBOX.replace("ID", str(owner.subject))
    found: dict[str, Any] = (await notifications.data(document, principal=owner))["_entities"][0]["notifications"]
    return found


async def eventually(
    read: Callable[[], Awaitable[Any]], is_there: Callable[[Any], bool], timeout_s: float = 60.0
) -> Any:
    value: Any = None
    for _ in range(int(timeout_s / POLL_S)):
        if is_there(value := await read()):
            return value
        await asyncio.sleep(POLL_S)
    raise AssertionError(f"still {value} after {timeout_s} s")


async def settled_messages(
    notifications: SubgraphClient, owner: Principal, template: str, *statuses: str
) -> list[dict[str, Any]]:
    """The e-mail and the in-app entry of a template, once the e-mail has one of the statuses."""

    async def read() -> list[dict[str, Any]]:
        nodes = (await inbox(notifications, owner))["nodes"]
        return sorted((node for node in nodes if node["template"] == template), key=lambda node: str(node["channel"]))

    found: list[dict[str, Any]] = await eventually(
        read, lambda messages: len(messages) == 2 and messages[0]["status"] in statuses
    )
    return found


async def test_a_confirmed_order_is_told_by_mail_and_in_the_shop_once(
    notifications: SubgraphClient, users: SubgraphClient, bus: Bus, outbound: Outbound
) -> None:
    heidi = await register(users, "Heidi")
    event = order_event("orders.order.confirmed", heidi)

    await bus.publish(event)
    mail, entry = await settled_messages(notifications, heidi, "order_confirmed", "SENT")

    assert (mail["channel"], mail["status"], mail["attempts"]) == ("EMAIL", "SENT", 1)
    assert (entry["channel"], entry["status"], entry["readAt"]) == ("IN_APP", "DELIVERED", None)
    assert entry["title"] == "Order 1001 is confirmed"
    assert "1299.99 USD" in entry["body"]
    assert entry["recipient"] == {"id": heidi.subject}
    assert entry["order"] == {"id": event.payload["order_id"]}
    about_it = [mail for mail in outbound.sent if mail.to == "heidi@example.org" and "1001" in mail.subject]
    assert [(mail.subject, mail.text.splitlines()[0]) for mail in about_it] == [
        ("Order 1001 is confirmed", "Dear Heidi,")
    ]


async def test_a_new_user_is_welcomed_through_the_outbox_of_users(
    notifications: SubgraphClient, users: SubgraphClient
) -> None:
    ivan = await register(users, "Ivan")

    mail, entry = await settled_messages(notifications, ivan, "welcome", "SENT")

    assert (mail["title"], entry["title"]) == ("Welcome to Punnet", "Welcome to Punnet")


async def test_reading_marks_only_ones_own(notifications: SubgraphClient, users: SubgraphClient) -> None:
    judy, mallory = await register(users, "Judy"), await register(users, "Mallory")
    _, entry = await settled_messages(notifications, judy, "welcome", "SENT")
    await settled_messages(notifications, mallory, "welcome", "SENT")
    document = """mutation($ids: [ID!]!) { notificationMarkRead(ids: $ids) { notifications(unreadOnly: true) {
      nodes { id } unreadCount } } }"""

    by_mallory = await notifications.data(document, {"ids": [entry["id"]]}, mallory)
    before = (await inbox(notifications, judy))["unreadCount"]
    by_judy = await notifications.data(document, {"ids": [entry["id"]]}, judy)
    bad_id = await notifications.execute(document, {"ids": ["ord_1"]}, judy)

    assert by_mallory["notificationMarkRead"]["notifications"]["unreadCount"] == 1
    assert before == 1
    assert by_judy["notificationMarkRead"]["notifications"] == {"nodes": [], "unreadCount": 0}
    assert bad_id["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_an_unwanted_channel_stays_silent(
    notifications: SubgraphClient, users: SubgraphClient, bus: Bus, outbound: Outbound
) -> None:
    ken = await register(users, "Ken")
    await settled_messages(notifications, ken, "welcome", "SENT")
    answer = await notifications.data(
        """mutation { notificationPreferenceSet(channel: EMAIL, enabled: false) {
          notificationPreferences { channel enabled } } }""",
        principal=ken,
    )

    event = order_event("orders.order.cancelled", ken)
    await bus.publish(event)
    reference = [{"__typename": "Order", "id": event.payload["order_id"]}]
    selection = "... on Order { notifications { channel status } }"
    (order,) = await eventually(
        lambda: notifications.entities(selection, reference, SUPPORT), lambda orders: orders[0]["notifications"]
    )
    shown_to_ken = (await inbox(notifications, ken))["nodes"]

    assert answer["notificationPreferenceSet"]["notificationPreferences"] == [
        {"channel": "EMAIL", "enabled": False},
        {"channel": "SMS", "enabled": False},
        {"channel": "PUSH", "enabled": False},
        {"channel": "IN_APP", "enabled": True},
    ]
    assert {told["channel"]: told["status"] for told in order["notifications"]} == {
        "EMAIL": "SUPPRESSED",
        "IN_APP": "DELIVERED",
    }
    assert [told["channel"] for told in shown_to_ken if told["template"] == "order_cancelled"] == ["IN_APP"]
    assert [mail.subject for mail in outbound.sent if mail.to == "ken@example.org"] == ["Welcome to Punnet"]


async def test_a_mail_server_that_fails_is_asked_again_and_one_that_refuses_is_not(
    notifications: SubgraphClient, users: SubgraphClient, outbound: Outbound
) -> None:
    outbound.failures_by_address["leo@example.org"] = [DeliveryError("busy")]
    outbound.failures_by_address["mia@example.org"] = [UndeliverableError("no such mailbox")] * 9

    leo, mia = await register(users, "Leo"), await register(users, "Mia")
    retried, _ = await settled_messages(notifications, leo, "welcome", "SENT")
    refused, entry = await settled_messages(notifications, mia, "welcome", "FAILED")

    assert (retried["attempts"], refused["attempts"], entry["status"]) == (2, 1, "DELIVERED")


async def test_notifications_are_pushed_to_their_owner_only(
    notifications: SubgraphClient, users: SubgraphClient, bus: Bus
) -> None:
    nina, oscar = await register(users, "Nina"), await register(users, "Oscar")
    for user in (nina, oscar):
        await settled_messages(notifications, user, "welcome", "SENT")
    document = "subscription { notificationReceived { title recipient { id } } }"

    async with notifications.subscribe(document, principal=nina) as received:
        # the socket is open, but nobody says when the subscription has begun: repeat until something arrives
        first = asyncio.ensure_future(anext(received))
        while not first.done():
            await bus.publish(order_event("orders.order.completed", oscar))
            await bus.publish(order_event("orders.order.completed", nina, number="7"))
            await asyncio.wait([first], timeout=0.2)

    assert first.result() == {
        "data": {
            "notificationReceived": {"title": "Order 7 was delivered", "recipient": {"id": nina.subject}},
        }
    }


async def test_support_sees_what_was_sent_about_orders_in_one_statement(
    notifications: SubgraphClient, users: SubgraphClient, bus: Bus
) -> None:
    pam = await register(users, "Pam")
    events = [order_event("orders.order.confirmed", pam) for _ in range(3)]
    for event in events:
        await bus.publish(event)
    representations = [{"__typename": "Order", "id": event.payload["order_id"]} for event in events]
    selection = "... on Order { notifications { channel status } }"

    async def read() -> list[Any]:
        return await notifications.entities(selection, representations, SUPPORT)

    told = [{"channel": "EMAIL", "status": "SENT"}, {"channel": "IN_APP", "status": "DELIVERED"}]
    await eventually(
        read,
        lambda orders: all(
            sorted(order["notifications"], key=lambda node: str(node["channel"])) == told for order in orders
        ),
    )
    with record_statements(notifications.app.state.runtime.database.observer) as statements:
        await read()
    hidden = await notifications.execute(
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on Order { notifications { id } } } }",
        {"r": representations[:1]},
        pam,
    )

    assert len([s for s in statements if "unnest" in s.text and "FROM notification" in s.text]) == 1
    assert hidden["data"] == {"_entities": [{"notifications": None}]}
    assert hidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_others_notifications_are_closed_through_entities_too(
    notifications: SubgraphClient, users: SubgraphClient
) -> None:
    quinn, rita = await register(users, "Quinn"), await register(users, "Rita")
    _, entry = await settled_messages(notifications, quinn, "welcome", "SENT")
    reference = [{"__typename": "Notification", "id": entry["id"]}]

    assert await notifications.entities("... on Notification { title }", reference, quinn) == [
        {"title": "Welcome to Punnet"}
    ]
    assert await notifications.entities("... on Notification { title }", reference, rita) == [None]
    document = INBOX.replace("ID", str(quinn.subject))
    stranger = await notifications.execute(document, principal=rita)
    assert stranger["data"] == {"_entities": [{"notifications": None}]}
    assert stranger["errors"][0]["extensions"]["code"] == "FORBIDDEN"


#: what each caller gets from a root field: "ok" or an error code
MATRIX = {
    "query { deadLetters(first: 1) { id } }": ("UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "ok"),
    "mutation { deadLetterReplay(ids: []) { id } }": ("UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "ok"),
    "mutation { notificationMarkRead(ids: []) { id } }": ("UNAUTHENTICATED", "ok", "ok", "ok", "ok"),
    "mutation { notificationPreferenceSet(channel: SMS, enabled: true) { id } }": (
        "UNAUTHENTICATED",
        "ok",
        "ok",
        "ok",
        "ok",
    ),
}


@pytest.mark.parametrize("document", MATRIX)
async def test_each_role_may_do_what_the_table_says(notifications: SubgraphClient, document: str) -> None:
    roles = (Role.CUSTOMER, Role.SUPPORT, Role.CATALOG_MANAGER, Role.ADMIN)
    callers = [ANONYMOUS, *(as_user(new_id("usr"), role) for role in roles)]

    answers = [await notifications.execute(document, principal=caller) for caller in callers]

    outcomes = [answer["errors"][0]["extensions"]["code"] if "errors" in answer else "ok" for answer in answers]
    assert tuple(outcomes) == MATRIX[document]


async def test_dead_letters_are_listed_and_replayed(notifications: SubgraphClient) -> None:
    database = notifications.app.state.runtime.database
    event_id, letter_id = "018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"
    await database.fetch(
        """INSERT INTO dead_letter (id, consumer, event_id, subject, event, error, trace_id, attempts, state,
                                    created_at, updated_at)
           VALUES ($1, 'nobody', $2, 's', '{"type": "orders.order.odd"}', 'KeyError', '', 8, 'DEAD', now(), now())""",
        [letter_id, event_id],
    )
    fields = "id eventId consumer eventType attempts lastError"
    listed = await notifications.data(
        f'{{ deadLetters(first: 5, consumer: "nobody") {{ {fields} }} }}', principal=ADMIN
    )
    ids = [letter["id"] for letter in listed["deadLetters"]]
    replay = f"mutation($ids: [ID!]!) {{ deadLetterReplay(ids: $ids) {{ {fields} }} }}"

    replayed = await notifications.data(replay, {"ids": [*ids, "junk"]}, ADMIN)
    again = await notifications.data(replay, {"ids": ids}, ADMIN)
    refused = await notifications.execute(replay, {"ids": ids}, SUPPORT)

    assert listed["deadLetters"] == replayed["deadLetterReplay"]
    assert listed["deadLetters"] == [
        {
            "id": ids[0],
            "eventId": event_id,
            "consumer": "nobody",
            "eventType": "orders.order.odd",
            "attempts": 8,
            "lastError": "KeyError",
        }
    ]
    assert again == {"deadLetterReplay": []}
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_nobody_listens_without_signing_in(notifications: SubgraphClient) -> None:
    async with websocket(notifications.app, notifications.headers(ANONYMOUS)) as (send, receive):
        await send({"type": "connection_init"})
        await receive()
        query = "subscription { notificationReceived { id } }"
        await send({"id": "1", "type": "subscribe", "payload": {"query": query}})
        answer = await receive()

    error = answer["payload"]["errors"][0] if answer["type"] == "next" else answer["payload"][0]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_stop_completes_subscriptions(postgres_url: str, nats_url: str) -> None:
    settings = NotificationsSettings(**settings_of(postgres_url, nats_url))
    app = create_app(settings, database_name=fresh_database_name("notifications"))
    lifespan = app.router.lifespan_context(app)
    await lifespan.__aenter__()
    signer = ContextSigner(SECRET.encode(), SystemClock())
    user = as_user(new_id("usr"), Role.CUSTOMER)
    async with websocket(app, {CONTEXT_HEADER: signer.sign(user)}) as (send, receive):
        await send({"type": "connection_init"})
        await receive()
        query = "subscription { notificationReceived { id } }"
        await send({"id": "1", "type": "subscribe", "payload": {"query": query}})

        async def listener_count() -> int:
            count: int = app.state.runtime.service().received.listener_count
            return count

        await eventually(listener_count, lambda count: count == 1)
        await lifespan.__aexit__(None, None, None)

        assert await receive() == {"id": "1", "type": "complete"}
