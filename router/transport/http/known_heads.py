"""Heads of responses that were read before: bytes that are equal mean the same.

A subgraph sends the same few heads again and again, apart from the length and, each second, the date. What the parser
said of one holds for the next, so its callbacks, one for each header, need not run. Only plain responses are known
here: complete in one piece, framed by `content-length`, on a connection that stays open. Measured: 1 instead of 4 us.
"""

from __future__ import annotations

from router.transport.model import SubgraphResponse

_MAX_HEADS = 512
_LONGEST = 1024  #: bytes


class KnownHeads:
    """Of one subgraph, for all its connections."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, int]] = {}  #: head -> status, bytes of the body

    def read(self, data: bytes) -> SubgraphResponse | None:
        """The response, if `data` is exactly one whose head is known."""
        end = data.find(b"\r\n\r\n") + 4
        known = self._known.get(data[:end])
        if known is None or len(data) != end + known[1]:
            return None
        return SubgraphResponse(known[0], data[end:])

    def remember(self, data: bytes, response: SubgraphResponse) -> None:
        """`data` is all that the parser was given to read `response`, whose connection may be used again."""
        end = data.find(b"\r\n\r\n") + 4
        # chunks and interim responses make the rest longer than the body
        if response.status != 200 or end > _LONGEST or len(data) != end + len(response.body):
            return
        if len(self._known) >= _MAX_HEADS:
            self._known.clear()  # dates have passed
        self._known[data[:end]] = (response.status, len(response.body))
