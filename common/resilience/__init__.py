"""Staying up while others are down: deadlines, budgets of retries, breakers, limits and caches.

The cache in Redis is `common.resilience.redis_cache`, on its own because importing the client takes a while.
"""

from common.resilience.adaptive_limit import AdaptiveLimit
from common.resilience.breaker import BreakerMetrics, CircuitBreaker
from common.resilience.cache import MISSING, Cache, Missing, memory_cache
from common.resilience.deadline import deadline_scope, remaining_s
from common.resilience.rate_limit import RateDecision, RateLimiter
from common.resilience.retry_budget import RetryBudget
from common.resilience.time_limit import TimeLimit

__all__ = [
    "MISSING",
    "AdaptiveLimit",
    "BreakerMetrics",
    "Cache",
    "CircuitBreaker",
    "Missing",
    "RateDecision",
    "RateLimiter",
    "RetryBudget",
    "TimeLimit",
    "deadline_scope",
    "memory_cache",
    "remaining_s",
]
