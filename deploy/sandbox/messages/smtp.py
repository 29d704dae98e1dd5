"""A mail server that takes everything and keeps it: as much of RFC 5321 as a client needs to hand mail over.

Two recipients are special: an address that begins with `bounce` is refused for good, one that begins with `busy` for
the first time it is tried.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import structlog

from common.clock import Clock
from deploy.sandbox.messages.store import MessageStore

log = structlog.get_logger(__name__)

MAX_MESSAGE_BYTES = 1 << 20
MAX_RECIPIENTS = 100
IDLE_TIMEOUT_S = 60.0


@asynccontextmanager
async def smtp_server(store: MessageStore, clock: Clock, host: str, port: int) -> AsyncIterator[int]:
    """The port it listens on while the block runs."""
    busy: set[str] = set()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            await Conversation(reader, writer, store, clock, busy).run()
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            log.debug("a mail client went away")
        finally:
            writers.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, host, port, limit=MAX_MESSAGE_BYTES)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(writers):
            writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await server.wait_closed()


@dataclass(slots=True)
class Conversation:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    store: MessageStore
    clock: Clock
    #: addresses that were busy once
    busy: set[str]
    recipients: list[str] = field(default_factory=list)
    has_sender: bool = False

    async def run(self) -> None:
        await self._say("220 sandbox ESMTP")
        while True:
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                line = (await self.reader.readline()).decode("utf-8", "replace").rstrip("\r\n")
            if not line and self.reader.at_eof():
                return
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    await self._say("250-sandbox", f"250-SIZE {MAX_MESSAGE_BYTES}", "250-SMTPUTF8", "250 8BITMIME")
                case "HELO" | "NOOP":
                    await self._say("250 ok")
                case "MAIL":
                    self.has_sender, self.recipients = True, []
                    await self._say("250 ok")
                case "RCPT":
                    await self._say(self._recipient(rest))
                case "DATA":
                    await self._data()
                case "RSET":
                    self.has_sender, self.recipients = False, []
                    await self._say("250 ok")
                case "QUIT":
                    await self._say("221 bye")
                    return
                case _:
                    await self._say("502 not here")

    async def _say(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()

    def _recipient(self, rest: str) -> str:
        address = rest.partition("<")[2].partition(">")[0]
        if not self.has_sender or not address or len(self.recipients) >= MAX_RECIPIENTS:
            return "503 not now"
        if address.startswith("bounce"):
            return f"550 {address}: no such mailbox"
        if address.startswith("busy") and address not in self.busy:
            self.busy.add(address)
            return f"451 {address}: try again later"
        self.recipients.append(address)
        return "250 ok"

    async def _data(self) -> None:
        if not self.recipients:
            await self._say("503 nobody to give it to")
            return
        await self._say("354 go on")
        lines: list[bytes] = []
        size = 0
        while True:
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                line = await self.reader.readline()
            if not line:
                raise ConnectionError("the client went away")
            if line.rstrip(b"\r\n") == b".":
                break
            size += len(line)
            if size <= MAX_MESSAGE_BYTES:
                lines.append(line.removeprefix(b"."))  # RFC 5321 section 4.5.2
        if size > MAX_MESSAGE_BYTES:
            await self._say("552 too big")
            return
        self._keep(b"".join(lines))
        self.recipients, self.has_sender = [], False
        await self._say("250 taken")

    def _keep(self, content: bytes) -> None:
        message = message_from_bytes(content, policy=policy.default)
        for recipient in self.recipients:
            self.store.add(
                "mail",
                {
                    "at": self.clock.now().isoformat(timespec="milliseconds"),
                    "to": recipient,
                    "from": str(message["From"] or ""),
                    "subject": str(message["Subject"] or ""),
                    "message_id": str(message["Message-ID"] or ""),
                    "text": _part(message, "plain"),
                    "html": _part(message, "html"),
                },
                key=f"{message['Message-ID']} {recipient}",
            )


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()).replace("\r\n", "\n") if isinstance(body, EmailMessage) else ""
