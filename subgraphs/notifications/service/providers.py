"""The port through which text messages and messages to devices leave: HTTP to a provider, or nowhere.

    POST <address>   Authorization: Bearer <key>   Idempotency-Key: <of the event>
    {"to": "+4917…" or a device's token, "text": …, "title"?, "platform"?}
    2xx taken   400, 404, 410, 422 never   anything else: later, under the same key

A real provider's own form is an adapter of the same size.
"""

from collections.abc import Mapping
from typing import Protocol

import aiohttp

from subgraphs.notifications.errors import DeliveryError, UndeliverableError

TIMEOUT_S = 10.0
NEVER = frozenset({400, 404, 410, 422})


class MessageProvider(Protocol):
    async def hand_over(self, message: Mapping[str, str], *, idempotency_key: str) -> None:
        """Raises DeliveryError (try again) or UndeliverableError (do not)."""

    async def close(self) -> None: ...


class RecordOnlyProvider:
    """Without a provider: the row in `notification` is all there is."""

    async def hand_over(self, message: Mapping[str, str], *, idempotency_key: str) -> None:
        return None

    async def close(self) -> None:
        return None


class HttpProvider:
    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"authorization": f"Bearer {key}"}
        self._session: aiohttp.ClientSession | None = None

    async def hand_over(self, message: Mapping[str, str], *, idempotency_key: str) -> None:
        if self._session is None:  # here, because it belongs to the loop that runs now
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        headers = self._headers | {"idempotency-key": idempotency_key}
        try:
            async with self._session.post(self._url, json=dict(message), headers=headers) as answer:
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError) as exc:
            raise DeliveryError(f"the provider cannot be reached: {type(exc).__name__}") from exc
        if status in NEVER:
            raise UndeliverableError(f"the provider refused the recipient: {status}")
        if not 200 <= status < 300:
            raise DeliveryError(f"the provider did not take the message: {status}")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def provider_of(url: str | None, key: str) -> MessageProvider:
    return HttpProvider(url, key) if url else RecordOnlyProvider()
