"""Access tokens that are refused though they have not expired: those of people who were suspended or erased, who have
lost a role or changed their password, and those of logins that have ended.

Every subgraph hears it from users, by event, and remembers it for as long as a token may live; the router need not
know, since nothing but subgraphs answers with data. Asking costs no statement: a look into a dictionary.

No clocks are compared. A token names its login, and the version its account had; an event names the login that ended,
or the version the account got: older tokens are refused, one that was issued afterwards is good at once.
"""

from dataclasses import dataclass
from datetime import timedelta

from common.auth import Principal
from common.auth.tokens import ACCESS_TOKEN_LIFETIME_MAX_S
from common.clock import Clock
from common.errors import UnauthenticatedError
from common.events import Event

#: what users tells of accounts, and of logins; its other events say nothing about tokens
REVOKING = (
    "users.session.ended",
    "users.user.erased",
    "users.user.logged_out",
    "users.user.password_changed",
    "users.user.roles_removed",
    "users.user.suspended",
)
#: the router's leeway for clocks, and the life of the statement it signs, come on top of the token's
REMEMBERED = timedelta(seconds=ACCESS_TOKEN_LIFETIME_MAX_S + 120)
_COUNT_MAX = 100_000


@dataclass(frozen=True, slots=True)
class _Word:
    """The newest about an account or a login: what was issued before that version of it is refused."""

    version: int
    #: epoch seconds
    until_s: float


class Revocations:
    """Of one process; of more than `most` accounts and logins at once, the oldest are forgotten."""

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
        self._words[event.aggregate_id] = _Word(event.aggregate_version, until_s)

    def require_valid(self, principal: Principal) -> None:
        """A token that names no version is older than any. Raises UnauthenticatedError."""
        if self._is_over(principal.subject, principal.account_version) or self._is_over(principal.session, 0):
            raise UnauthenticatedError(f"this token of {principal.subject} has ended before its time")

    def _is_over(self, whose: str | None, version: int) -> bool:
        word = self._words.get(whose or "")
        return word is not None and version < word.version and self._clock.now().timestamp() < word.until_s

    def _forget(self) -> None:
        """The oldest stand first; which of them have expired is looked at only as far as one that has not."""
        now_s = self._clock.now().timestamp()
        while self._words:
            subject, oldest = next(iter(self._words.items()))
            if oldest.until_s > now_s and len(self._words) < self._most:
                return
            del self._words[subject]
