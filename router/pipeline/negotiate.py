"""Which media type the answer has, by the Accept header's qualities and, between equals, by its order.

Clients list what they could read, not what they want: urql names `text/event-stream` on every query. So there are two
choices, one for a single answer and one for a stream of them, and a single answer is only put into a stream's format
when the client accepts nothing else (as graphql-sse does).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from router.errors import INVALID_ACCEPT_HEADER, METHOD_NOT_ALLOWED, refuse

_REMEMBERED = 256  #: Accept headers


class MediaType(Enum):
    """`value` is the response's content type."""

    GRAPHQL_RESPONSE = b"application/graphql-response+json; charset=utf-8"
    JSON = b"application/json; charset=utf-8"
    EVENT_STREAM = b"text/event-stream; charset=utf-8"
    MULTIPART = b'multipart/mixed; boundary="graphql"; subscriptionSpec=1.0'


@dataclass(frozen=True, slots=True)
class Accepted:
    single: MediaType | None  #: GRAPHQL_RESPONSE or JSON
    stream: MediaType | None  #: EVENT_STREAM or MULTIPART
    #: the client asked for application/json by name: GraphQL over HTTP wants status 200 for well-formed requests then
    is_legacy: bool = False


#: no header at all, and what errors are written in when the header itself is the error
ANYTHING = Accepted(MediaType.JSON, None)


class Negotiator:
    """Remembers headers: a client sends the same one for ever."""

    def __init__(self) -> None:
        self._known: dict[str, Accepted] = {}

    def accepted(self, accept: str | None) -> Accepted:
        """Raises RequestError (406) when nothing in the header can be served."""
        if not accept:
            return ANYTHING
        known = self._known.get(accept)
        if known is None:
            if len(self._known) == _REMEMBERED:
                self._known.clear()
            known = self._known[accept] = read_accept(accept)
        return known


def read_accept(accept: str) -> Accepted:
    single: MediaType | None = None
    stream: MediaType | None = None
    is_legacy = False
    for name, parameters in _by_preference(accept):
        match name:
            case "application/graphql-response+json":
                single = single or MediaType.GRAPHQL_RESPONSE
            case "application/json":
                is_legacy = is_legacy or single is None
                single = single or MediaType.JSON
            case "*/*" | "application/*":
                single = single or MediaType.JSON
            case "text/event-stream":
                stream = stream or MediaType.EVENT_STREAM
            case "multipart/mixed" if parameters.get("subscriptionspec") == "1.0":
                stream = stream or MediaType.MULTIPART
    if single is None and stream is None:
        raise refuse(
            INVALID_ACCEPT_HEADER,
            "The Accept header must contain application/json, application/graphql-response+json,"
            " text/event-stream or multipart/mixed;subscriptionSpec=1.0",
        )
    return Accepted(single, stream, is_legacy)


def check_method(method: str) -> None:
    """Raises RequestError (405)."""
    if method not in ("GET", "POST"):
        raise refuse(
            METHOD_NOT_ALLOWED, "GraphQL is served over GET and POST.", headers={"allow": "GET, POST, OPTIONS"}
        )


def _by_preference(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Media ranges with their parameters, best first; those of quality 0 are left out."""
    ranges: list[tuple[float, str, dict[str, str]]] = []
    for item in accept.split(","):
        name, *rest = (part.strip() for part in item.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        quality = _quality(parameters.pop("q", "1"))
        if quality > 0:
            ranges.append((quality, name.lower(), parameters))
    ranges.sort(key=lambda entry: -entry[0])  # stable: equals stay in the header's order
    for _, name, parameters in ranges:
        yield name, parameters


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0
