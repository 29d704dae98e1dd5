"""Deliveries -> providers, a sender per channel. Whom to write to is asked of the users subgraph each time: it is
stored nowhere here.
"""

from dataclasses import dataclass
from typing import Any

from common.events import Bus, CommandError
from common.ids import format_id
from subgraphs.notifications.domain.messages import LINK_IS_OPTIONAL, LINKS
from subgraphs.notifications.domain.rendering import render_letter, render_sms
from subgraphs.notifications.domain.words import USER_ID_PREFIX
from subgraphs.notifications.errors import UndeliverableError
from subgraphs.notifications.service.deliveries import Delivery
from subgraphs.notifications.service.devices import PushDevices
from subgraphs.notifications.service.mail import Mail, Mailer
from subgraphs.notifications.service.providers import MessageProvider

CONTACT = "commands.users.contact"
LINK = "commands.users.link"
TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Contacts:
    """Asks users whom to write to."""

    bus: Bus

    async def of(self, delivery: Delivery) -> dict[str, Any]:
        """{email, name, phone, locale}, with {url} for a message with a link. Raises UndeliverableError when there is
        no such user (any more) or nothing to prove, errors of the bus otherwise.
        """
        user_id = format_id(USER_ID_PREFIX, delivery.user_id)
        kind = LINKS.get(delivery.template)
        try:
            if kind is not None:
                return await self.bus.request(LINK, {"user_id": user_id, "kind": kind}, timeout_s=TIMEOUT_S)
        except CommandError as exc:
            if exc.code != "NOT_FOUND" or delivery.template not in LINK_IS_OPTIONAL:
                raise _undeliverable(exc) from exc
        try:
            return await self.bus.request(CONTACT, {"user_id": user_id}, timeout_s=TIMEOUT_S)
        except CommandError as exc:
            raise _undeliverable(exc) from exc


def _undeliverable(exc: CommandError) -> Exception:
    return UndeliverableError("there is no such user, or nothing to tell any more") if exc.code == "NOT_FOUND" else exc


@dataclass(frozen=True, slots=True)
class MailSender:
    contacts: Contacts
    mailer: Mailer

    async def send(self, delivery: Delivery) -> None:
        contact = await self.contacts.of(delivery)
        locale = contact["locale"]
        letter = render_letter(
            delivery.template, locale, delivery.text(locale), name=contact["name"], url=contact.get("url")
        )
        await self.mailer.send(
            # one e-mail per event: its id is the provider's idempotency key
            Mail(str(delivery.event_id), contact["email"], letter.subject, letter.text, letter.html)
        )

    async def close(self) -> None:
        await self.mailer.close()


@dataclass(frozen=True, slots=True)
class SmsSender:
    contacts: Contacts
    provider: MessageProvider

    async def send(self, delivery: Delivery) -> None:
        contact = await self.contacts.of(delivery)
        if not contact["phone"]:
            raise UndeliverableError("the user has no telephone number")
        text = render_sms(delivery.text(contact["locale"]))
        await self.provider.hand_over({"to": contact["phone"], "text": text}, idempotency_key=str(delivery.event_id))

    async def close(self) -> None:
        await self.provider.close()


@dataclass(frozen=True, slots=True)
class PushSender:
    contacts: Contacts
    devices: PushDevices
    provider: MessageProvider

    async def send(self, delivery: Delivery) -> None:
        """To every device; those the provider does not know any more are forgotten. Undeliverable without one left."""
        text = delivery.text((await self.contacts.of(delivery))["locale"])
        reached_count = 0
        for device in await self.devices.of(delivery.user_id):
            message = {"to": device.token, "platform": device.platform, "title": text.title, "text": text.body}
            try:
                await self.provider.hand_over(message, idempotency_key=f"{delivery.event_id}:{device.id}")
                reached_count += 1
            except UndeliverableError:
                await self.devices.drop(device.id)
        if reached_count == 0:
            raise UndeliverableError("the user has no device that can be reached")

    async def close(self) -> None:
        await self.provider.close()
