"""Names for the features a supergraph links, where the feature's own name could be confused with another's imports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase, digits

from router.federation.link import Import, LinkTable, split_name
from router.federation.version import FeatureUrl

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")


class AliasBook:
    def __init__(self, element_names: Iterable[str]) -> None:
        self._taken = set(element_names)
        self._own: dict[str, set[str]] = {}  #: identity -> aliases its own imports rule out
        self._foreign: dict[str, set[str]] = {}  #: identity -> aliases its imports rule out for others
        self._prefix: str | None = None
        self._count = 0

    def add(self, url: FeatureUrl, imports: Iterable[Import]) -> None:
        own = self._own.setdefault(url.identity, set())
        foreign = self._foreign.setdefault(url.identity, set())
        self._taken.add(url.name)
        for entry in imports:
            name, alias = entry.name.removeprefix("@"), entry.alias.removeprefix("@")
            self._taken.add(alias)
            split = split_name(alias)
            if split:
                foreign.add(split[0])
                if split[1] != name:
                    own.add(split[0])
            if entry.name.startswith("@"):
                foreign.add(alias)
                if name != url.name:
                    own.add(alias)

    def alias_for(self, url: FeatureUrl, links: LinkTable) -> str | None:
        """None when the feature can keep its own name."""
        return None if self._is_free(url, links) else self._unique(url.name)

    def _is_free(self, url: FeatureUrl, links: LinkTable) -> bool:
        alias = url.name
        if "__" in alias or alias.endswith("_") or not _NAME.fullmatch(alias):
            return False
        if alias in self._own.get(url.identity, ()):
            return False
        if any(alias in names for identity, names in self._foreign.items() if identity != url.identity):
            return False
        return all(link.alias != alias for link in links.links.values())

    def _unique(self, name: str) -> str:
        """A new alias: the shortest text with which no name of the schema begins, a number, the letters of `name`."""
        if self._prefix is None:
            self._prefix = self._shortest_unused_prefix()
        alias = f"{self._prefix}{self._count}{re.sub('[^a-zA-Z]', '', name)}"
        self._count += 1
        return alias

    def _shortest_unused_prefix(self) -> str:
        prefixes = {name[:length] for name in self._taken for length in range(1, len(name) + 1)}
        queue = [""]
        for prefix in queue:
            first = "_" if not prefix else ""
            last = digits if prefix else ""
            for character in first + ascii_lowercase + ascii_uppercase + last:
                candidate = prefix + character
                if candidate not in prefixes:
                    return candidate
                queue.append(candidate)
        raise AssertionError("every name has an end")
