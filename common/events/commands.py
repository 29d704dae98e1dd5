"""Commands: a question from one subgraph to another, answered while the caller waits.

    request   subject commands.<subgraph>.<name>, JSON object, headers for the trace and the time left
    answer    {"result": {…}} or {"error": {code, message, is_retryable, details}}

What the caller learns: a CommandError (answered, refused), UnavailableError (nobody there: not executed) or
DeadlineExceededError (outcome unknown: ask again with the same key; handlers are idempotent by contract). A handler
skips a command whose caller has given up already, e.g. one that waited in a buffer during a reconnect.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import nats.errors
import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.clock import Clock
from common.errors import DeadlineExceededError, InternalError, PunnetError, UnavailableError
from common.events.registered import until_registered
from common.failpoints import failpoint
from common.resilience.deadline import deadline_scope, remaining_s

_QUEUE = "subgraph"
_TIMEOUT_HEADER = "Punnet-Timeout-Ms"
_EXPIRES_HEADER = "Punnet-Expires-At-Ms"
_DEFAULT_TIMEOUT_S = 5.0
#: clocks of two machines may differ by this much
_CLOCK_SKEW_S = 1.0
_PROPAGATOR = TraceContextTextMapPropagator()

#: gets the payload, returns the result (a JSON object); raises CommandError or another PunnetError to refuse
CommandHandler = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any]]]

_log = structlog.get_logger(__name__)


class CommandError(PunnetError):
    """The other side's refusal, with its code, e.g. INSUFFICIENT_STOCK, and `details` for the caller."""

    fixed_public_message = None

    def __init__(
        self, code: str, message: str = "", *, is_retryable: bool = False, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message or code, details=details)
        self.code = code
        self.is_retryable = is_retryable


class _Refusal(msgspec.Struct):
    code: str
    message: str
    is_retryable: bool = False
    details: dict[str, Any] = {}


class _Answer(msgspec.Struct):
    result: dict[str, Any] | None = None
    error: _Refusal | None = None


async def ask(
    client: Client, subject: str, payload: Mapping[str, Any], *, timeout_s: float, clock: Clock, tracer: Tracer
) -> dict[str, Any]:
    """The result. Waits at most `timeout_s`, less if the current deadline is nearer."""
    timeout_s = remaining_s(timeout_s)
    if timeout_s <= 0:
        raise DeadlineExceededError(f"no time left for {subject}")
    if not client.is_connected:
        raise UnavailableError(f"the bus is disconnected, {subject} was not sent")
    with tracer.start_as_current_span(subject, kind=SpanKind.CLIENT):
        expires_at_s = clock.now().timestamp() + timeout_s
        headers = {_TIMEOUT_HEADER: str(int(timeout_s * 1000)), _EXPIRES_HEADER: str(int(expires_at_s * 1000))}
        _PROPAGATOR.inject(headers)
        try:
            message = await client.request(subject, orjson.dumps(payload), timeout=timeout_s, headers=headers)
        except nats.errors.NoRespondersError as exc:
            raise UnavailableError(f"nobody serves {subject}") from exc
        except nats.errors.TimeoutError as exc:
            raise DeadlineExceededError(f"{subject} was not answered within {timeout_s:.2f} s") from exc
        except nats.errors.Error as exc:
            raise UnavailableError(f"{subject} could not be asked: {exc!r}") from exc
    return _result(subject, message.data)


def _result(subject: str, data: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(data, type=_Answer)
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise InternalError(f"{subject} was answered with something that is no answer") from exc
    if answer.error is not None:
        refusal = answer.error
        raise CommandError(refusal.code, refusal.message, is_retryable=refusal.is_retryable, details=refusal.details)
    return answer.result or {}


class CommandServer:
    """Answers one subject, at most `concurrency` at a time; the rest waits in the client's buffer."""

    def __init__(
        self, client: Client, subject: str, handler: CommandHandler, *, concurrency: int, clock: Clock, tracer: Tracer
    ) -> None:
        self._client = client
        self._subject = subject
        self._handler = handler
        self._slots = asyncio.Semaphore(concurrency)
        self._clock = clock
        self._tracer = tracer
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        self._subscription = await self._client.subscribe(self._subject, queue=_QUEUE, cb=self._accept)
        await until_registered(self._client)

    async def stop(self, timeout_s: float) -> None:
        """Takes nothing new, answers what has arrived; cancels what takes longer."""
        try:
            async with asyncio.timeout(timeout_s):
                if self._subscription is not None:
                    await self._subscription.drain()  # type: ignore[no-untyped-call]  # the library forgot it
                if self._tasks:
                    await asyncio.wait(self._tasks)
        except (nats.errors.Error, TimeoutError) as exc:
            _log.warning("commands in hand could not be finished", subject=self._subject, error=repr(exc))
        for task in self._tasks:
            task.cancel()

    async def _accept(self, message: Msg) -> None:
        # the client calls this for one message after the other: waiting for a slot here is the back pressure
        await self._slots.acquire()
        task = asyncio.create_task(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._slots.release()

    async def _answer(self, message: Msg) -> None:
        headers = message.headers or {}
        if self._has_expired(headers):
            _log.info("a command came too late and was not executed", subject=self._subject)
            return
        timeout_s = _number(headers.get(_TIMEOUT_HEADER), default=_DEFAULT_TIMEOUT_S * 1000) / 1000
        parent = _PROPAGATOR.extract(headers)
        with (
            self._tracer.start_as_current_span(self._subject, context=parent, kind=SpanKind.SERVER) as span,
            deadline_scope(timeout_s),
        ):
            answer = await self._handle(message.data, timeout_s)
            if answer.error is not None and answer.error.code == InternalError.code:
                span.set_status(StatusCode.ERROR)
        failpoint("events.command.before_publish")
        try:
            await message.respond(msgspec.json.encode(answer))
        except nats.errors.Error as exc:
            _log.warning("an answer could not be sent", subject=self._subject, error=repr(exc))

    def _has_expired(self, headers: Mapping[str, str]) -> bool:
        expires_at_s = _number(headers.get(_EXPIRES_HEADER), default=float("inf")) / 1000
        return self._clock.now().timestamp() > expires_at_s + _CLOCK_SKEW_S

    async def _handle(self, data: bytes, timeout_s: float) -> _Answer:
        try:
            payload = msgspec.json.decode(data, type=dict[str, Any])
            async with asyncio.timeout(timeout_s):
                return _Answer(result=dict(await self._handler(payload)))
        except PunnetError as exc:
            return _Answer(error=_Refusal(exc.code, exc.public_message, exc.is_retryable, dict(exc.details)))
        except TimeoutError:
            # nobody waits for this answer any more
            return _Answer(error=_Refusal(DeadlineExceededError.code, "out of time", is_retryable=True))
        except Exception:  # the border of this process: the caller gets a code, the log gets the cause
            _log.exception("a command failed", subject=self._subject)
            return _Answer(error=_Refusal(InternalError.code, str(InternalError.fixed_public_message)))


def _number(text: str | None, *, default: float) -> float:
    try:
        return default if text is None else float(text)
    except ValueError:
        return default
