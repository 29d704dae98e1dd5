"""One try of one event: the inbox row and the handler's effect in one transaction, or neither.

Told apart are an event that cannot be handled and a database that is away: the latter says nothing about the event,
so it is waited out and counts as no try.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.clock import Clock
from common.events.consumer import Consumer, OneStatement
from common.events.dead_letters import DeadLetters
from common.events.event import Event, decode_event
from common.events.inbox import claim
from common.events.metrics import EventMetrics
from common.events.sql import SqlConnection, Transactions
from common.failpoints import failpoint
from common.resilience.deadline import deadline_scope

_PROBE_TIMEOUT_S = 2.0
_PROPAGATOR = TraceContextTextMapPropagator()

_log = structlog.get_logger(__name__)


class DatabaseAwayError(Exception):
    """The try failed because the consumer's own database does not answer."""


class EventHandling:
    """The tries of one consumer."""

    def __init__(
        self,
        consumer: Consumer,
        database: Transactions,
        *,
        clock: Clock,
        tracer: Tracer,
        metrics: EventMetrics | None,
    ) -> None:
        self._consumer = consumer
        self._database = database
        self._clock = clock
        self._tracer = tracer
        self._metrics = metrics
        self._dead_letters = DeadLetters(clock)

    async def attempt(self, event: Event) -> str | None:
        """What went wrong, None if the event has had its effect, now or before. Raises DatabaseAwayError."""
        with self._span(event) as span:
            try:
                async with asyncio.timeout(self._consumer.timeout_s):
                    is_new = await self._commit_effect(event)
                failpoint("events.consumer.after_commit")
            except Exception as exc:  # the border: a handler's mistake must not end the consumer
                span.set_status(StatusCode.ERROR)
                if not await self.is_database_there():
                    raise DatabaseAwayError from exc
                _log.warning(
                    "an event could not be handled",
                    consumer=self._consumer.name,
                    event_id=str(event.event_id),
                    event_type=event.type,
                    exc_info=True,
                )
                self._observe("failed")
                return repr(exc)
        self._observe("handled" if is_new else "duplicate")
        return None

    async def give_up(self, event: Event | None, *, subject: str, data: bytes, error: str, attempts: int) -> None:
        """Writes the dead letter. Raises DatabaseAwayError."""
        try:
            async with self._database.transaction() as connection:
                await self._dead_letters.record(
                    connection,
                    consumer=self._consumer.name,
                    event=event,
                    subject=subject,
                    data=data,
                    error=error,
                    attempts=attempts,
                )
        except Exception as exc:  # the border: nothing in this row is the event's fault
            raise DatabaseAwayError from exc
        _log.error("an event became a dead letter", consumer=self._consumer.name, subject=subject, error=error)
        self._observe("dead")

    async def replay_next(self) -> bool:
        """One replay somebody asked for, its mark in the same transaction; False if there is none.

        Raises what the database raises when it is away.
        """
        letter = None
        try:
            async with self._database.transaction() as connection:
                letter = await self._dead_letters.next_replay(connection, self._consumer.name)
                if letter is None:
                    return False
                async with asyncio.timeout(self._consumer.timeout_s):
                    await self._have_effect(connection, decode_event(letter.event.encode()))
                await self._dead_letters.resolve(connection, letter.id)
        except Exception as exc:  # the border: a handler's mistake must not end the consumer
            if letter is None:
                raise
            async with self._database.transaction() as connection:
                await self._dead_letters.fail(connection, letter.id, repr(exc))
        return True

    async def is_database_there(self) -> bool:
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S), self._database.transaction() as connection:
                await connection.execute_query_dict("SELECT 1")
        except Exception:  # whatever it raises, it does not work
            return False
        return True

    async def _commit_effect(self, event: Event) -> bool:
        """False: it was had before."""
        if isinstance(self._consumer.handle, OneStatement):
            with deadline_scope(self._consumer.timeout_s):
                return await self._consumer.handle.have(event)
        async with self._database.transaction() as connection:
            is_new = await self._have_effect(connection, event)
            failpoint("events.consumer.before_commit")
        return is_new

    async def _have_effect(self, connection: SqlConnection, event: Event) -> bool:
        """In the transaction of the connection, which is the current one."""
        consumer = self._consumer
        if isinstance(consumer.handle, OneStatement):
            return await consumer.handle.have(event)
        if not await claim(connection, consumer.name, event, self._clock):
            return False
        with deadline_scope(consumer.timeout_s):
            await consumer.handle(connection, event)
        return True

    @contextmanager
    def _span(self, event: Event) -> Iterator[Span]:
        """Part of the trace in which the event was recorded."""
        parent = event.metadata.traceparent
        context = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(
            f"{self._consumer.name} {event.type}",
            context=context,
            kind=SpanKind.CONSUMER,
            attributes={"messaging.message.id": str(event.event_id)},
        ) as span:
            yield span

    def _observe(self, outcome: str) -> None:
        if self._metrics is not None:
            self._metrics.consumed(self._consumer.name, outcome)
