"""People whose access tokens are refused though they have not expired: who was suspended, or erased.

Every subgraph hears it from users, by event, and remembers it for as long as a token may live; the router need not
know, since nothing but subgraphs answers with data. Asking costs no statement: a look into a dictionary.
"""

from dataclasses import dataclass
from datetime import timedelta

from common.auth import Principal
from common.auth.tokens import ACCESS_TOKEN_LIFETIME_MAX_S
from common.clock import Clock
from common.errors import UnauthenticatedError
from common.events import Event

#: the others of `users.user.*` say nothing about tokens
REVOKING = frozenset({"users.user.suspended", "users.user.erased"})
RESTORING = frozenset({"users.user.reinstated"})
#: the router's leeway for clocks, and the life of the statement it signs, come on top of the token's
REMEMBERED = timedelta(seconds=ACCESS_TOKEN_LIFETIME_MAX_S + 120)
_COUNT_MAX = 100_000


@dataclass(frozen=True, slots=True)
class _Word:
    """The newest about somebody; `version` is that of their account."""

    version: int
    is_revoking: bool
    #: epoch seconds
    until_s: float


class Revocations:
    """Of one process; of more than `most` people at once, the oldest are forgotten."""

    def __init__(self, clock: Clock, *, most: int = _COUNT_MAX) -> None:
        self._clock = clock
        self._most = most
        self._words: dict[str, _Word] = {}

    def __len__(self) -> int:
        return len(self._words)

    def hear(self, event: Event) -> None:
        """Events may come twice, and an older one after a newer one."""
        known = self._words.get(event.aggregate_id)
        if known is not None and known.version >= event.aggregate_version:
            return
        self._words.pop(event.aggregate_id, None)
        self._forget()
        until_s = (event.occurred_at + REMEMBERED).timestamp()
        self._words[event.aggregate_id] = _Word(event.aggregate_version, event.type in REVOKING, until_s)

    def require_valid(self, principal: Principal) -> None:
        """Raises UnauthenticatedError."""
        word = self._words.get(principal.subject or "")
        if word is not None and word.is_revoking and self._clock.now().timestamp() < word.until_s:
            raise UnauthenticatedError(f"{principal.subject} was suspended or erased")

    def _forget(self) -> None:
        """The oldest stand first; which of them have expired is looked at only as far as one that has not."""
        now_s = self._clock.now().timestamp()
        while self._words:
            subject, oldest = next(iter(self._words.items()))
            if oldest.until_s > now_s and len(self._words) < self._most:
                return
            del self._words[subject]
