"""Which headers a subgraph gets: the configured rules, compiled once, applied once per request and subgraph.

The order of rules decides: the first one to set a header wins, `remove` drops what earlier rules would still bring.
Connection headers are never copied by pattern, and the signed context is ours alone: a client cannot send it through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from common.auth import CONTEXT_HEADER
from router.config.traffic import HeaderRule, HeadersConfig
from router.transport.model import Headers, SharedHeaders

#: RFC 9110 7.6.1 and what the client of the subgraph sets itself
_NEVER_BY_PATTERN = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "trailers",
        "transfer-encoding", "upgrade", "host", "content-length", "content-type", "content-encoding", "accept",
        "accept-encoding", "proxy-connection",
    }
)  # fmt: skip
_OURS = frozenset({CONTEXT_HEADER, "content-length", "transfer-encoding", "connection", "host"})


class SubgraphHeaders:
    """The rules of one configuration."""

    def __init__(self, config: HeadersConfig) -> None:
        self._all = config.all.request
        self._by_subgraph = {name: rules.request for name, rules in config.subgraphs.items()}
        self._is_empty = not self._all and not any(self._by_subgraph.values())

    def headers_for(self, request_headers: Mapping[str, str], own: Headers) -> Callable[[str], Headers]:
        """A function of the subgraph's name for one request. `own` is added to every subgraph's headers."""
        if self._is_empty:
            shared = SharedHeaders(own)
            return lambda _: shared
        made: dict[str, Headers] = {}

        def of(subgraph: str) -> Headers:
            headers = made.get(subgraph)
            if headers is None:
                rules = (*self._all, *self._by_subgraph.get(subgraph, ()))
                headers = made[subgraph] = SharedHeaders((*apply_rules(rules, request_headers).items(), *own))
            return headers

        return of


def apply_rules(rules: tuple[HeaderRule, ...], request_headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by name in lower case."""
    headers: dict[str, str] = {}
    for rule in rules:
        if rule.insert is not None:
            headers.setdefault(rule.insert.name.lower(), rule.insert.value)
        elif rule.propagate is not None:
            for name, value in _propagated(rule, request_headers):
                headers.setdefault(name, value)
        elif rule.remove is not None:
            if rule.remove.named is not None:
                headers.pop(rule.remove.named.lower(), None)
            elif rule.remove.matching is not None:
                for name in [name for name in headers if rule.remove.matching.search(name)]:
                    del headers[name]
    return {name: value for name, value in headers.items() if name not in _OURS}


def _propagated(rule: HeaderRule, request_headers: Mapping[str, str]) -> list[tuple[str, str]]:
    propagate = rule.propagate
    if propagate is None:
        return []
    if propagate.named is not None:
        value = request_headers.get(propagate.named.lower(), propagate.default)
        return [] if value is None else [((propagate.rename or propagate.named).lower(), value)]
    pattern = propagate.matching
    return [
        (name, value)
        for name, value in request_headers.items()
        if pattern is not None and name not in _NEVER_BY_PATTERN and pattern.search(name)
    ]
