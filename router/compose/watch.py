"""Composes again whenever a schema changes: supergraph.yaml, a file it names, or what a running subgraph answers.

Everything is read anew each second, as `rover dev` polls subgraphs, and compared with what was read before. Reading
files costs less than it would to learn from the operating system which of them changed, and works on every disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from router.compose.fetch import fetch_sdl
from router.compose.records import SubgraphDefinition
from router.compose.supergraph_config import load_supergraph_config
from router.errors import ConfigurationError

_INTERVAL_S = 1.0


def watch(
    config: Path,
    compose: Callable[[Sequence[SubgraphDefinition]], str],
    say: Callable[[str], None],
) -> None:
    """Runs until an exception, such as KeyboardInterrupt, ends it.

    `compose` gets the subgraphs at first and after each change, and answers in words what came of it. `say` gets one
    line per composition, and one when something cannot be read; that does not repeat while it stays so. A running
    subgraph that stops answering keeps its last schema.
    """
    sources = _Sources()
    before: tuple[SubgraphDefinition, ...] | None = None
    problems: list[str] = []
    while True:
        sources.problems.clear()
        try:
            definitions = load_supergraph_config(config, fetch=sources.fetch)
        except ConfigurationError as exc:
            sources.problems.append(str(exc))
            definitions = before or ()
        for problem in sources.problems:
            if problem not in problems:
                say(f"{problem} (trying again)")
        problems = list(sources.problems)
        if definitions and definitions != before:
            started = time.monotonic()
            outcome = compose(definitions)
            say(f"{_reason(before, definitions)}: {outcome} in {time.monotonic() - started:.2f} s")
            before = definitions
        time.sleep(_INTERVAL_S)


class _Sources:
    """Running subgraphs, with what they answered last."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self.problems: list[str] = []

    def fetch(self, url: str, headers: Mapping[str, str]) -> str:
        try:
            self._last[url] = fetch_sdl(url, headers)
        except ConfigurationError as exc:
            if url not in self._last:
                raise
            self.problems.append(str(exc))
        return self._last[url]


def _reason(before: Sequence[SubgraphDefinition] | None, after: Sequence[SubgraphDefinition]) -> str:
    """What changed: `products changed, orders added`."""
    if before is None:
        return f"watching {len(after)} subgraph{'' if len(after) == 1 else 's'}"
    old, new = ({definition.name: definition for definition in side} for side in (before, after))
    changed = [f"{name} changed" for name in new if name in old and new[name] != old[name]]
    added = [f"{name} added" for name in new if name not in old]
    removed = [f"{name} removed" for name in old if name not in new]
    return ", ".join([*changed, *added, *removed]) or "order changed"
