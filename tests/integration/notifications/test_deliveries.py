"""Messages on every channel, delivered to the sandbox; refused, lost with their sender, given up, sent again."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.trace import NoOpTracer
from prometheus_client import CollectorRegistry

from common.clock import SystemClock
from common.events import Bus, Event, new_event
from common.ids import new_id, parse_id, uuid7
from common.subgraph.statements import record_statements
from common.telemetry import Metrics
from subgraphs.notifications.domain.words import Channel
from subgraphs.notifications.errors import DeliveryError
from subgraphs.notifications.service.deliveries import CONCURRENCY, Deliveries, Delivery
from subgraphs.users.domain import Role
from tests.integration.notifications.conftest import Outside
from tests.kit.order_events import order_event
from tests.kit.people import Person, register
from tests.kit.subgraph import SubgraphClient, as_user

pytestmark = pytest.mark.anyio

ADMIN = as_user(new_id("usr"), Role.ADMIN)
PREFER = """mutation($channel: Channel!, $enabled: Boolean!, $category: NotificationCategory) {
  notificationPreferenceSet(channel: $channel, enabled: $enabled, category: $category) {
    notificationPreferences { channel category enabled } } }"""
DEVICE = "mutation($token: String!) { pushDeviceRegister(token: $token, platform: ANDROID) { id } }"
CONFIRM = "mutation($token: String!) { emailConfirm(token: $token) { confirmed } }"
RESET = """mutation($token: String!) { passwordReset(token: $token, newPassword: "another password") {
  user { id } errors { __typename } } }"""
REMINDERS = """{ deadLetters(first: 50) { id eventId consumer eventType attempts lastError } }"""


async def until(read: Callable[[], Awaitable[Any]], *, timeout_s: float = 60.0) -> Any:
    """What `read` gives once that is something."""
    for _ in range(int(timeout_s / 0.02)):
        if value := await read():
            return value
        await asyncio.sleep(0.02)
    raise AssertionError(f"nothing after {timeout_s} s")


async def messages(told: SubgraphClient, event: Event) -> dict[str, str]:
    """Status by channel, of what was recorded about an event."""
    rows = await told.app.state.runtime.database.fetch(
        "SELECT channel, status FROM notification WHERE event_id = $1", [event.event_id]
    )
    return {row["channel"]: row["status"] for row in rows}


async def settled(told: SubgraphClient, event: Event) -> dict[str, str]:
    async def read() -> dict[str, str] | None:
        found = await messages(told, event)
        return found if found and "QUEUED" not in found.values() else None

    result: dict[str, str] = await until(read)
    return result


async def all_is_sent(told: SubgraphClient, person: Person) -> bool:
    """Something was, and nothing is left to send."""
    rows = await told.app.state.runtime.database.fetch(
        "SELECT status FROM notification WHERE user_id = $1", [parse_id("usr", person.user_id)]
    )
    return bool(rows) and all(row["status"] != "QUEUED" for row in rows)


async def all_is_told(told: SubgraphClient, people: SubgraphClient) -> bool:
    """Everybody was welcomed, also those of other tests, and nothing is left to send."""
    welcomed = "SELECT count(DISTINCT user_id) AS n FROM notification WHERE template = 'welcome' AND status <> 'QUEUED'"
    queued = "SELECT 1 FROM notification WHERE status = 'QUEUED' AND due_at < now() + interval '1 minute'"
    database = told.app.state.runtime.database
    known = await people.app.state.runtime.database.fetch("SELECT count(*) AS n FROM user_account")
    return bool(await database.fetch(welcomed) == known) and not await database.fetch(queued)


async def prefer(told: SubgraphClient, person: Person, channel: str, enabled: bool, category: str | None = None) -> Any:
    variables = {"channel": channel, "enabled": enabled, "category": category}
    answer = await told.data(PREFER, variables, person.principal)
    return answer["notificationPreferenceSet"]["notificationPreferences"]


async def mails(outside: Outside, email: str, subject: str) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        return [mail for mail in await outside.delivered("mail", email) if mail["subject"] == subject]

    found: list[dict[str, Any]] = await until(read)
    return found


def token_in(mail: dict[str, Any]) -> str:
    text: str = mail["text"]
    return text.partition("#token=")[2].split()[0]


async def test_the_link_in_the_welcome_mail_verifies_the_address(
    told: SubgraphClient, people: SubgraphClient, outside: Outside
) -> None:
    ada = await register(people, "Ada")

    (mail,) = await mails(outside, ada.email, "Welcome to Punnet")

    assert mail["text"].startswith("Dear Ada,\n")
    assert mail["html"].count("<a href=") == 1
    assert await people.data(CONFIRM, {"token": token_in(mail)}) == {"emailConfirm": {"confirmed": True}}


async def test_a_forgotten_password_is_set_anew_through_a_mail_and_no_row_or_event_holds_the_link(
    told: SubgraphClient, people: SubgraphClient, outside: Outside
) -> None:
    ben = await register(people, "Ben")
    await people.data("mutation($e: String!) { passwordResetRequest(email: $e) }", {"e": ben.email})

    (mail,) = await mails(outside, ben.email, "Set a new password")
    token = token_in(mail)
    done = await people.data(RESET, {"token": token})
    await mails(outside, ben.email, "Your password was changed")

    assert done["passwordReset"] == {"user": {"id": ben.user_id}, "errors": []}
    for subgraph in (told, people):
        database = subgraph.app.state.runtime.database
        tables = await database.fetch("SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public'")
        for table in tables:
            dump = str(await database.fetch(f'SELECT x::text FROM "{table["t"]}" x'))  # noqa: S608
            assert token not in dump
            assert ben.email not in dump


async def test_a_message_goes_where_its_recipient_wants_it(
    told: SubgraphClient, people: SubgraphClient, bus: Bus, outside: Outside
) -> None:
    cid = await register(people, "Cid")
    device, phone = secrets.token_hex(16), f"+49170{secrets.randbelow(10**6):06}1"
    update = """mutation($id: ID!, $phone: String!) { userUpdate(input: {id: $id, phone: $phone, locale: "de"}) {
      errors { __typename } } }"""
    await people.data(update, {"id": cid.user_id, "phone": phone}, cid.principal)
    await prefer(told, cid, "SMS", True)
    await told.data(DEVICE, {"token": device}, cid.principal)
    event = order_event("confirmed", cid, number="77")

    for _ in range(2):  # a second delivery of the event changes nothing
        await bus.publish(event)
    statuses = await settled(told, event)

    assert statuses == {"EMAIL": "SENT", "SMS": "SENT", "PUSH": "SENT", "IN_APP": "DELIVERED"}
    title = "Bestellung 77 ist bestätigt"
    assert len(await mails(outside, cid.email, title)) == 1
    (sms,) = await outside.delivered("sms", phone)
    (push,) = await outside.delivered("push", device)
    assert sms["text"].startswith(f"{title}. Vielen Dank! Ihre Bestellung über 1299.99 USD")
    assert (push["title"], push["platform"]) == (title, "ANDROID")
    assert sms["key"] == str(event.event_id)


async def test_a_category_is_chosen_apart_and_a_choice_for_the_channel_replaces_it(
    told: SubgraphClient, people: SubgraphClient, bus: Bus
) -> None:
    dan = await register(people, "Dan")

    await prefer(told, dan, "EMAIL", False)
    chosen = await prefer(told, dan, "EMAIL", True, "ORDERS")
    order = order_event("cancelled", dan)
    await bus.publish(order)
    refund = new_event(
        "payments.payment.refunded",
        aggregate_id=new_id("pay"),
        aggregate_version=5,
        payload={"customer_id": dan.user_id, "order_id": new_id("ord"), "amount_minor": 500, "currency": "EUR"},
        source="payments",
        clock=SystemClock(),
    )
    await bus.publish(refund)

    assert [choice for choice in chosen if choice["channel"] == "EMAIL"] == [
        {"channel": "EMAIL", "category": None, "enabled": False},
        {"channel": "EMAIL", "category": "ORDERS", "enabled": True},
    ]
    assert await settled(told, order) == {"EMAIL": "SENT", "IN_APP": "DELIVERED"}
    assert await settled(told, refund) == {"EMAIL": "SUPPRESSED", "IN_APP": "DELIVERED"}
    afterwards = await prefer(told, dan, "EMAIL", False)
    assert [choice["enabled"] for choice in afterwards if choice["channel"] == "EMAIL"] == [False]


async def test_warnings_and_links_are_mailed_to_who_wants_no_mail(
    told: SubgraphClient, people: SubgraphClient, outside: Outside
) -> None:
    eve = await register(people, "Eve")
    await prefer(told, eve, "EMAIL", False)
    await prefer(told, eve, "EMAIL", False, "SECURITY")

    await people.data("mutation($e: String!) { passwordResetRequest(email: $e) }", {"e": eve.email})

    assert await mails(outside, eve.email, "Set a new password")


async def test_devices_the_provider_does_not_know_any_more_are_forgotten(
    told: SubgraphClient, people: SubgraphClient, bus: Bus
) -> None:
    fay, gus = await register(people, "Fay"), await register(people, "Gus")
    shared = secrets.token_hex(16)
    for person, token in ((fay, f"gone{secrets.token_hex(8)}"), (fay, shared), (gus, shared)):
        await told.data(DEVICE, {"token": token}, person.principal)
    first, second = order_event("completed", fay), order_event("completed", fay)

    await bus.publish(first)
    statuses = [await settled(told, first)]
    await bus.publish(second)
    statuses.append(await settled(told, second))

    # the shared device is Gus's by now, and Fay's other one is gone
    assert statuses == [
        {"EMAIL": "SENT", "PUSH": "FAILED", "IN_APP": "DELIVERED"},
        {"EMAIL": "SENT", "IN_APP": "DELIVERED"},
    ]
    bad = await told.execute(DEVICE, {"token": "x" * 5000}, fay.principal)
    assert bad["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_an_order_event_costs_two_statements(
    told: SubgraphClient, people: SubgraphClient, bus: Bus, outside: Outside
) -> None:
    hal = await register(people, "Hal")
    await until(partial(all_is_sent, told, hal))
    await until(partial(all_is_told, told, people))
    event = order_event("confirmed", hal)

    with record_statements(told.app.state.runtime.database.observer) as statements:
        await bus.publish(event)
        await settled(told, event)
        await asyncio.sleep(0.05)

    ours = [s.text for s in statements if "INSERT INTO notification" in s.text or s.text.startswith("UPDATE notif")]
    # beside them: the search for what is due, and the relay of the in-app entry's event
    assert [text.split(None, 1)[0] for text in ours if "SKIP LOCKED" not in text] == ["WITH", "UPDATE"]
    assert not [s for s in statements if "channel_preference" in s.text and s.text.startswith("SELECT")]


async def test_an_erased_user_leaves_nothing_here(told: SubgraphClient, people: SubgraphClient, bus: Bus) -> None:
    ida = await register(people, "Ida")
    await prefer(told, ida, "SMS", True)
    await told.data(DEVICE, {"token": secrets.token_hex(16)}, ida.principal)
    await bus.publish(event := order_event("confirmed", ida))
    await settled(told, event)

    erase = "mutation($id: ID!) { userErase(id: $id) { errors { __typename } } }"
    await people.data(erase, {"id": ida.user_id}, ida.principal)

    async def is_gone() -> bool:
        rows = await told.app.state.runtime.database.fetch(
            """SELECT (SELECT count(*) FROM notification WHERE user_id = $1)
                 + (SELECT count(*) FROM channel_preference WHERE user_id = $1)
                 + (SELECT count(*) FROM push_device WHERE user_id = $1)
                 + (SELECT count(*) FROM data_key WHERE subject = $1 AND wrapped_key <> '') AS n""",
            [parse_id("usr", ida.user_id)],
        )
        return bool(rows[0]["n"] == 0)

    assert await until(is_gone)
    await bus.publish(late := order_event("cancelled", ida))
    assert (await settled(told, late))["EMAIL"] == "FAILED"  # nobody to write to


async def test_the_whole_list_is_read_at_once_in_ones_own_language(
    told: SubgraphClient, people: SubgraphClient, bus: Bus
) -> None:
    jo = await register(people, "Jo")
    for _ in range(3):
        await bus.publish(event := order_event("completed", jo))
        await settled(told, event)
    document = """mutation { notificationMarkAllRead { notifications(first: 1) {
      unreadCount nodes { category title(locale: "de") english: title } } } }"""

    answer = await told.data(document, principal=jo.principal)

    assert answer["notificationMarkAllRead"]["notifications"] == {
        "unreadCount": 0,
        "nodes": [
            {
                "category": "ORDERS",
                "title": "Bestellung 1001 wurde zugestellt",
                "english": "Order 1001 was delivered",
            }
        ],
    }


async def queue(told: SubgraphClient, person: Person, *, attempts: int, due_at: datetime) -> str:
    """A row that waits for its next try; its id."""
    row_id = uuid7()
    await told.app.state.runtime.database.fetch(
        """INSERT INTO notification (id, event_id, user_id, channel, template, category, data, status, attempts, due_at,
             created_at) VALUES ($1, $2, $3, 'EMAIL', 'order_completed', 'ORDERS', '{"number": "5"}', 'QUEUED', $4, $5,
             now())""",
        [row_id, uuid7(), parse_id("usr", person.user_id), attempts, due_at],
    )
    return str(row_id)


async def status_of(told: SubgraphClient, row_id: str) -> tuple[str, int]:
    (row,) = await told.app.state.runtime.database.fetch(
        "SELECT status, attempts FROM notification WHERE id = $1", [row_id]
    )
    return row["status"], row["attempts"]


async def test_what_a_dead_process_had_leased_leaves_when_the_lease_is_over(
    told: SubgraphClient, people: SubgraphClient, outside: Outside
) -> None:
    kim = await register(people, "Kim")
    now = datetime.now(UTC)
    leased = await queue(told, kim, attempts=0, due_at=now + timedelta(hours=1))
    over = await queue(told, kim, attempts=0, due_at=now - timedelta(seconds=1))

    async def is_sent() -> bool:
        return (await status_of(told, over))[0] == "SENT"

    assert await until(is_sent)
    assert await status_of(told, leased) == ("QUEUED", 0)
    assert len(await mails(outside, kim.email, "Order 5 was delivered")) == 1


async def test_a_message_nobody_takes_is_given_up_listed_and_sent_again_on_request(
    told: SubgraphClient, people: SubgraphClient, outside: Outside
) -> None:
    person = await register(people, "busy")  # the sandbox refuses the first try
    await mails(outside, person.email, "Welcome to Punnet")
    row_id = await queue(told, person, attempts=8, due_at=datetime.now(UTC))
    database = told.app.state.runtime.database
    await database.fetch(
        "UPDATE notification SET status = 'DEAD', last_error = 'DeliveryError' WHERE id = $1", [row_id]
    )

    listed = (await told.data(REMINDERS, principal=ADMIN))["deadLetters"]
    (letter,) = [letter for letter in listed if letter["consumer"] == "notifications-delivery-email"]
    replay = "mutation($ids: [ID!]!) { deadLetterReplay(ids: $ids) { id attempts } }"
    replayed = (await told.data(replay, {"ids": [letter["id"], "junk"]}, ADMIN))["deadLetterReplay"]

    async def is_sent() -> bool:
        return await status_of(told, row_id) == ("SENT", 1)

    assert (letter["eventType"], letter["attempts"], letter["lastError"]) == ("order_completed", 8, "DeliveryError")
    assert replayed == [{"id": letter["id"], "attempts": 8}]
    assert await until(is_sent)
    assert (await told.data(replay, {"ids": [letter["id"]]}, ADMIN))["deadLetterReplay"] == []


class Stubborn:
    """Sender that never gets rid of anything, or not before it is let."""

    def __init__(self) -> None:
        self.tries = 0
        self.all_slots_are_busy = asyncio.Event()
        self.may_go = asyncio.Event()

    async def send(self, delivery: Delivery) -> None:
        self.tries += 1
        if self.tries == CONCURRENCY:
            self.all_slots_are_busy.set()
        if delivery.attempts < 0:
            await self.may_go.wait()
            return
        raise DeliveryError("busy")

    async def close(self) -> None:
        return None


def stubborn_deliveries(told: SubgraphClient, sender: Stubborn) -> Deliveries:
    tries = Metrics(CollectorRegistry()).counter("tries", "", ("channel", "outcome"))
    tracer = NoOpTracer()
    return Deliveries(told.app.state.runtime.database, SystemClock(), {Channel.EMAIL: sender}, tracer, tries)


def delivery(row_id: str, person: Person, attempts: int) -> Delivery:
    return Delivery(
        id=UUID(row_id),
        event_id=uuid7(),
        user_id=parse_id("usr", person.user_id),
        channel=Channel.EMAIL,
        template="order_completed",
        data={},
        title=None,
        body=None,
        attempts=attempts,
    )


async def test_the_eighth_failure_is_the_last(told: SubgraphClient, people: SubgraphClient) -> None:
    lea = await register(people, "Lea")
    far = datetime.now(UTC) + timedelta(hours=1)
    deliveries = stubborn_deliveries(told, Stubborn())
    seventh, eighth = [await queue(told, lea, attempts=n, due_at=far) for n in (6, 7)]

    await deliveries.deliver(delivery(seventh, lea, 6))
    await deliveries.deliver(delivery(eighth, lea, 7))

    assert (await status_of(told, seventh), await status_of(told, eighth)) == (("QUEUED", 7), ("DEAD", 8))


async def test_a_stop_waits_for_what_is_being_sent_and_gives_back_the_rest(
    told: SubgraphClient, people: SubgraphClient
) -> None:
    max_ = await register(people, "Max")
    far = datetime.now(UTC) + timedelta(hours=1)
    sender = Stubborn()
    database = told.app.state.runtime.database
    deliveries = stubborn_deliveries(told, sender)
    at_work = [await queue(told, max_, attempts=0, due_at=far) for _ in range(CONCURRENCY)]
    waiting = await queue(told, max_, attempts=3, due_at=far)
    for row_id in at_work:
        deliveries.hand_over(delivery(row_id, max_, -1))
    deliveries.hand_over(delivery(waiting, max_, 3))
    with database.use():
        running_ = asyncio.create_task(deliveries.run())
    await sender.all_slots_are_busy.wait()

    deliveries.stop()
    await asyncio.sleep(0.05)
    assert not running_.done()
    sender.may_go.set()
    await running_

    assert {(await status_of(told, row_id))[0] for row_id in at_work} == {"SENT"}
    (row,) = await database.fetch("SELECT due_at <= now() AS is_due FROM notification WHERE id = $1", [waiting])
    assert row["is_due"] or (await status_of(told, waiting))[0] == "SENT"
