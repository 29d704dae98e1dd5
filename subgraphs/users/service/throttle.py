"""How often passwords may be tried. Counted are the account and what the caller can prove, never an address or a
header that the caller chooses: a forged `X-Forwarded-For` changes nothing.

Strangers share one allowance per account. A device that was logged in before shows its device token and has an
allowance of its own: a stranger who uses up the first one does not lock the owner out. (The owner at a new device
waits, or resets the password, which needs none of the two.) Every try counts before the password is looked at, so tries
sent at once, or as aliases of one document, count one by one.
"""

from dataclasses import dataclass
from uuid import UUID

from common.errors import RateLimitedError
from common.resilience import RateLimiter


@dataclass(frozen=True, slots=True)
class LoginThrottle:
    #: per account, several spans of time
    strangers: tuple[RateLimiter, ...]
    #: per account and device
    devices: RateLimiter

    async def count(self, email_hash: str, login_id: UUID | None) -> None:
        """One try. `login_id` is the proven former login of the device. Raises RateLimitedError."""
        if login_id is not None:
            await _hit(self.devices, _device_key(email_hash, login_id))
            return
        for limiter in self.strangers:
            await _hit(limiter, email_hash)

    async def succeeded(self, email_hash: str, login_id: UUID | None) -> None:
        """The password was right: tries of that kind count from zero again."""
        if login_id is not None:
            await self.devices.forget(_device_key(email_hash, login_id))
            return
        for limiter in self.strangers:
            await limiter.forget(email_hash)


async def _hit(limiter: RateLimiter, key: str) -> None:
    decision = await limiter.hit(key)
    if not decision.is_allowed:
        raise RateLimitedError("too many passwords tried", retry_after_s=decision.retry_after_s)


def _device_key(email_hash: str, login_id: UUID) -> str:
    return f"{email_hash}:{login_id}"
