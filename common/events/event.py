"""The envelope of an event: what happened to which aggregate, and how it came about.

An event travels as one JSON object under the subject `events.<type>.<aggregate_id>`, where the type begins with the
domain: `orders.order.confirmed` of `ord_…` is `events.orders.order.confirmed.ord_…`. `event_id` is a UUIDv7 and
decides about duplicates at every step: the bus (Nats-Msg-Id), the inbox, and providers of external effects.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import orjson

from common.clock import Clock
from common.ids import uuid7
from common.telemetry import current_request_id, current_traceparent

SUBJECT_PREFIX = "events"
_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
#: dots, spaces and wildcards would change the meaning of the subject
_AGGREGATE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class MalformedEventError(ValueError):
    """Bytes that are no event of ours."""


@dataclass(frozen=True, slots=True)
class EventMetadata:
    """How the event came about. Ids of traces are hexadecimal, empty when there was no span."""

    #: the same for everything that follows from one request: its id, where there is one
    correlation_id: str
    #: event_id of the event this one answers, None when a request caused it
    causation_id: str | None
    #: subject of the principal on whose behalf it happened
    user_id: str | None
    trace_id: str
    span_id: str
    #: W3C, to continue the trace at the consumer
    traceparent: str | None
    #: name of the subgraph that recorded it
    source: str
    #: of the payload's shape
    version: str = "1"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    event_id: UUID
    #: `<domain>.<noun>.<past participle>`
    type: str
    aggregate_id: str
    #: grows with every change of the aggregate
    aggregate_version: int
    #: JSON: str, int, bool, None, lists and dicts of those; decimals as str
    payload: Mapping[str, Any]
    metadata: EventMetadata
    #: aware, UTC
    occurred_at: datetime

    @property
    def subject(self) -> str:
        return f"{SUBJECT_PREFIX}.{self.type}.{self.aggregate_id}"


def new_event(
    event_type: str,
    *,
    aggregate_id: str,
    aggregate_version: int,
    payload: Mapping[str, Any],
    source: str,
    clock: Clock,
    user_id: str | None = None,
    cause: Event | None = None,
    headers: Mapping[str, str] | None = None,
) -> Event:
    """An event that happened now, in the current span. `cause`: the event whose handler records this one.

    Raises ValueError for a type or an aggregate id that cannot be part of a subject.
    """
    if not _TYPE.fullmatch(event_type):
        raise ValueError(f"not an event type: {event_type!r}, expected e.g. orders.order.placed")
    if not _AGGREGATE_ID.fullmatch(aggregate_id):
        raise ValueError(f"not an aggregate id: {aggregate_id!r}")
    event_id = uuid7()
    traceparent = current_traceparent()
    _, trace_id, span_id, _ = traceparent.split("-") if traceparent else ("", "", "", "")
    return Event(
        event_id=event_id,
        type=event_type,
        aggregate_id=aggregate_id,
        aggregate_version=aggregate_version,
        payload=payload,
        metadata=EventMetadata(
            correlation_id=cause.metadata.correlation_id if cause else current_request_id() or str(event_id),
            causation_id=str(cause.event_id) if cause else None,
            user_id=user_id if user_id is not None or cause is None else cause.metadata.user_id,
            trace_id=trace_id,
            span_id=span_id,
            traceparent=traceparent,
            source=source,
            headers=headers or {},
        ),
        occurred_at=clock.now(),
    )


def subject_filter(type_pattern: str) -> str:
    """`orders.order.confirmed`, `payments.payment.*` (every type of that noun) or `orders.>` (all of a domain), of any
    aggregate, as a NATS subject."""
    return f"{SUBJECT_PREFIX}.{type_pattern}" if type_pattern.endswith(">") else f"{SUBJECT_PREFIX}.{type_pattern}.*"


def encode_event(event: Event) -> bytes:
    """One JSON object. Raises TypeError for a payload that is not JSON."""
    return orjson.dumps(event, option=orjson.OPT_UTC_Z)


def decode_event(data: bytes) -> Event:
    """Unknown members are ignored, so that producers may add some. Raises MalformedEventError."""
    try:
        event = msgspec.json.decode(data, type=Event)
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise MalformedEventError(f"not an event: {exc}") from exc
    if event.occurred_at.tzinfo is None:
        raise MalformedEventError("not an event: occurred_at without time zone")
    if not _TYPE.fullmatch(event.type) or not _AGGREGATE_ID.fullmatch(event.aggregate_id):
        raise MalformedEventError("not an event: type or aggregate_id cannot be part of a subject")
    return event if event.occurred_at.tzinfo is UTC else _in_utc(event)


def _in_utc(event: Event) -> Event:
    return Event(
        event.event_id,
        event.type,
        event.aggregate_id,
        event.aggregate_version,
        event.payload,
        event.metadata,
        event.occurred_at.astimezone(UTC),
    )
