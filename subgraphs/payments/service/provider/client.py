"""One pooled HTTP client to the provider: every call under a deadline, in a trace, behind a circuit breaker.

Bodies are never logged nor put into spans or errors: what is in them is the customer's.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from common.clock import Clock
from common.errors import CircuitOpenError
from common.resilience import BreakerMetrics, CircuitBreaker
from common.resilience.deadline import remaining_s
from common.telemetry import Metrics, inject_headers
from subgraphs.payments.errors import ProviderRefused, ProviderUnavailable

#: our client gives idle connections up before the server does
_KEEP_ALIVE_S = 15
_CONNECTIONS = 100
_CARD_ERROR = 402
#: statuses that say about the matter itself that it cannot be done; all others are about our key, our manners, or who
#: stands between us, and may be others in a moment
_REFUSALS = frozenset({400, _CARD_ERROR, 404, 422})


class ProviderClient:
    """Opens its connections at the first call; `close` ends it."""

    def __init__(self, url: str, key: str, *, timeout_s: float, clock: Clock, tracer: Tracer) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._timeout_s = timeout_s
        self._tracer = tracer
        self._session: aiohttp.ClientSession | None = None
        self._breaker = CircuitBreaker(
            "payment-provider",
            fail_max=10,
            reset_timeout_s=2.0,
            clock=clock,
            is_failure=lambda exc: isinstance(exc, ProviderUnavailable),
            listeners=[BreakerMetrics(Metrics())],
        )

    async def get(self, path: str, route: str) -> Mapping[str, Any]:
        """`route` is the path without ids: it names the span. Raises ProviderUnavailable, ProviderRefused."""
        return await self._call("GET", path, route, None, None)

    async def post(self, path: str, route: str, body: Mapping[str, Any], key: str | None = None) -> Mapping[str, Any]:
        """`key` is the idempotency key. A decline comes back as the payment intent it belongs to."""
        return await self._call("POST", path, route, body, key)

    async def delete(self, path: str, route: str) -> Mapping[str, Any]:
        return await self._call("DELETE", path, route, None, None)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _call(
        self, method: str, path: str, route: str, body: Mapping[str, Any] | None, key: str | None
    ) -> Mapping[str, Any]:
        try:
            return await self._breaker.call(self._traced, method, path, route, body, key)
        except CircuitOpenError as exc:
            raise ProviderUnavailable("the provider was away a moment ago") from exc

    async def _traced(
        self, method: str, path: str, route: str, body: Mapping[str, Any] | None, key: str | None
    ) -> Mapping[str, Any]:
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            kind=SpanKind.CLIENT,
            attributes={"http.request.method": method, "server.address": "payment-provider"},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                status, answer = await self._send(method, path, body, key)
            except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError) as exc:
                span.set_status(StatusCode.ERROR)
                # the text of an HTTP error may quote what was sent
                raise ProviderUnavailable(f"{method} {route}: {type(exc).__name__}") from None
            span.set_attribute("http.response.status_code", status)
            if status >= 300 and status not in _REFUSALS:
                span.set_status(StatusCode.ERROR)
                raise ProviderUnavailable(f"{method} {route}: HTTP {status}")
        if status < 300:
            return answer
        error = answer.get("error", {})
        intent: Mapping[str, Any] | None = error.get("payment_intent")
        if status == _CARD_ERROR and intent is not None:
            return intent
        raise ProviderRefused(str(error.get("code", status)))

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, key: str | None
    ) -> tuple[int, Mapping[str, Any]]:
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        if key is not None:
            headers["idempotency-key"] = key
        inject_headers(headers)
        data = None if body is None else orjson.dumps(body)
        async with (
            asyncio.timeout(remaining_s(self._timeout_s)),
            self._opened().request(
                method, self._url + path, data=data, headers=headers, allow_redirects=False
            ) as response,
        ):
            answer = orjson.loads(await response.read())
            return response.status, answer if isinstance(answer, dict) else {}

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE_S)
            timeout = aiohttp.ClientTimeout(total=None)  # each call has its own
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session
