"""Secrets exchanged for tokens at the edge, so that nothing behind it ever sees them.

What a body has in a field (a card) goes to the exchange's address and is forgotten: it is never logged, never in an
error, never a GraphQL variable. The client's idempotency key goes along, so that a repeated request gets the token it
got before and stays the same request for everybody behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from router.config.rest import ExchangeConfig
from router.errors import ConfigurationError
from router.execution.json import MalformedJsonError, dump_json, load_json
from router.rest.problem import ProblemError, invalid_field
from router.rest.values import join
from router.transport.addresses import BadAddressError
from router.transport.errors import TransportError
from router.transport.model import Headers, SubgraphClient, SubgraphRequest
from router.transport.open_client import TransportPolicy, open_subgraph


class Exchange:
    def __init__(self, name: str, config: ExchangeConfig, client: SubgraphClient) -> None:
        self.name = name
        self.fields = tuple(config.fields)
        self._client = client
        self._paths = {field: path.split(".") for field, path in config.fields.items()}
        self._token = config.token.split(".")
        self._error = config.error.split(".")
        self._headers: Headers = tuple((key.lower(), value.get_secret_value()) for key, value in config.headers.items())

    async def token(self, secret: object, field: str, idempotency_key: str | None) -> str:
        """Raises ProblemError: 400 for another shape, 422 with the exchange's code when it refuses, 503 when it is
        not there."""
        body = dump_json(self._request(secret, field))
        key: Headers = (("idempotency-key", idempotency_key),) if idempotency_key else ()
        try:
            answer = await self._client.send(SubgraphRequest(self.name, body, self._headers + key, is_repeatable=True))
            content = load_json(answer.body)
        except (TransportError, TimeoutError, MalformedJsonError):
            raise self._is_away() from None  # what failed may quote the request
        if answer.status >= 500 or not isinstance(content, dict):
            raise self._is_away()
        if answer.status >= 400:
            refusal = _at(content, self._error)
            refusal = refusal if isinstance(refusal, dict) else {}
            code = str(refusal.get("code", "refused"))
            message = str(refusal.get("message", "It was not accepted."))
            raise ProblemError(422, code.upper(), message, {"field": field})
        token = _at(content, self._token)
        if not isinstance(token, str):
            raise self._is_away()
        return token

    def _request(self, secret: object, field: str) -> dict[str, Any]:
        if not isinstance(secret, dict):
            raise invalid_field(field, "must be an object")
        for key in secret:
            if key not in self._paths:
                raise invalid_field(join(field, key), "is not known here")
        request: dict[str, Any] = {}
        for key, path in self._paths.items():
            value = secret.get(key)
            if not isinstance(value, str) or not value:
                raise invalid_field(join(field, key), "is required, as a string")
            place = request
            for step in path[:-1]:
                place = place.setdefault(step, {})
            place[path[-1]] = value
        return request

    def _is_away(self) -> ProblemError:
        return ProblemError(
            503, "SERVICE_UNAVAILABLE", f"{self.name} does not answer; try again.", headers={"retry-after": "1"}
        )


@asynccontextmanager
async def open_exchanges(configs: Mapping[str, ExchangeConfig]) -> AsyncIterator[Mapping[str, Exchange]]:
    async with AsyncExitStack() as stack:
        exchanges = {}
        for name, config in configs.items():
            try:
                policy = TransportPolicy(timeout_s=config.timeout)
                opened = await stack.enter_async_context(open_subgraph(config.url, policy))
            except BadAddressError as exc:
                raise ConfigurationError(f"rest.exchanges.{name}.url: {exc}") from exc
            exchanges[name] = Exchange(name, config, opened.client)
        yield exchanges


def _at(content: Mapping[str, Any], path: list[str]) -> object:
    value: object = content
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
