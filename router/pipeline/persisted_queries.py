"""Automatic persisted queries: a client sends the hash of a query instead of the query, once the router knows it.

A text is kept only after it has been found valid, under its own hash: nobody can make a hash stand for another query,
and nobody can fill the store with what is no query. Protocol: Apollo's `persistedQuery` extension, version 1.
"""

from __future__ import annotations

import hashlib

from common.lru import LruMap
from router.config.http import ApqConfig
from router.errors import (
    MISSING_QUERY_STRING,
    PERSISTED_QUERY_HASH_MISMATCH,
    PERSISTED_QUERY_NOT_FOUND,
    PERSISTED_QUERY_NOT_SUPPORTED,
    PERSISTED_QUERY_VERSION,
    refuse,
)
from router.pipeline.read import GraphQLRequest
from router.telemetry import RouterMetrics

_LONGEST_KEPT = 100_000  #: characters; longer queries work but are not kept


class PersistedQueries:
    def __init__(self, config: ApqConfig, metrics: RouterMetrics) -> None:
        self._metrics = metrics
        self._is_enabled = config.enabled
        self._texts: LruMap[str, str] = LruMap(config.router.cache.in_memory.limit)

    def resolve(self, request: GraphQLRequest) -> tuple[str, str | None]:
        """The query's text, and the hash under which to `keep` it when it proves valid. Raises RequestError."""
        persisted = request.extensions.get("persistedQuery")
        if persisted is None:
            if request.query is None:
                raise refuse(MISSING_QUERY_STRING, "Must provide query string.")
            return request.query, None
        if not isinstance(persisted, dict) or persisted.get("version") != 1:
            raise refuse(PERSISTED_QUERY_VERSION, "Unsupported persisted query version")
        sha256 = persisted.get("sha256Hash")
        if not isinstance(sha256, str):
            raise refuse(PERSISTED_QUERY_VERSION, "persistedQuery.sha256Hash must be a string")
        if not self._is_enabled:
            raise refuse(PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        sha256 = sha256.lower()
        if request.query is None:
            known = self._texts.get(sha256)
            self._metrics.looked_up("APQ", was_found=known is not None)
            if known is None:
                raise refuse(PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
            return known, None
        if hashlib.sha256(request.query.encode()).hexdigest() != sha256:
            raise refuse(PERSISTED_QUERY_HASH_MISMATCH, "provided sha does not match query")
        return request.query, sha256

    def keep(self, sha256: str, text: str) -> None:
        if len(text) <= _LONGEST_KEPT:
            self._texts.put(sha256, text)
