"""So many requests per time: for each caller, and for all together."""

from __future__ import annotations

from collections.abc import Mapping

from common.resilience.rate_limit import RateLimiter
from router.config import RouterConfig
from router.config.security import RateLimitConfig
from router.errors import REQUEST_RATE_LIMITED, refuse, too_busy
from router.pipeline.authenticate import Caller

_ALL = "all"


class RateLimits:
    """Apollo's one bucket for everybody (`traffic_shaping.router.global_rate_limit`) and ours for each caller."""

    def __init__(self, config: RouterConfig) -> None:
        shaping = config.traffic_shaping.router
        bucket = shaping.global_rate_limit
        own = config.rate_limit
        self._config = own
        self._global = _limiter("router", bucket.capacity, bucket.interval) if bucket else None
        self._per_caller = _limiter("caller", own.capacity, own.interval) if own else None
        self._concurrency_limit = shaping.concurrency_limit
        self._in_flight = 0
        #: whether there is anything to `check`
        self.has_rates = self._global is not None or self._per_caller is not None

    async def check(self, caller: Caller, headers: Mapping[str, str], peer_address: str) -> None:
        """Raises RequestError (429, with Retry-After)."""
        if self._global is not None:
            await _hit(self._global, _ALL)
        if self._per_caller is not None and self._config is not None:
            await _hit(self._per_caller, caller_key(self._config, caller, headers, peer_address))

    def enter(self) -> None:
        """Take one of the places of `concurrency_limit`; raises RequestError (503) when there is none. Each `enter`
        that returns is followed by one `leave`."""
        if self._concurrency_limit is not None and self._in_flight >= self._concurrency_limit:
            raise too_busy()
        self._in_flight += 1

    def leave(self) -> None:
        self._in_flight -= 1


def caller_key(config: RateLimitConfig, caller: Caller, headers: Mapping[str, str], peer_address: str) -> str:
    subject = caller.principal.subject
    if config.key == "principal" and subject is not None:
        return f"principal:{subject}"
    return f"ip:{client_address(headers, peer_address, config.trusted_proxies)}"


def client_address(headers: Mapping[str, str], peer_address: str, trusted_proxies: int) -> str:
    """The address the outermost trusted proxy saw. Entries of x-forwarded-for beyond the trusted proxies are the
    client's own invention, so they are counted from the right."""
    if trusted_proxies == 0:
        return peer_address
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    return hops[-min(trusted_proxies, len(hops))] if hops else peer_address


def _limiter(name: str, capacity: int, interval_s: float) -> RateLimiter:
    return RateLimiter(f"{capacity} per {max(1, round(interval_s))} second", name=name)


async def _hit(limiter: RateLimiter, key: str) -> None:
    decision = await limiter.hit(key)
    if not decision.is_allowed:
        retry_after = str(max(1, round(decision.retry_after_s)))
        raise refuse(REQUEST_RATE_LIMITED, "Your request has been rate limited", headers={"retry-after": retry_after})
