"""A law: a sentence and its checks. A check returns what breaks the law, one line each; nothing is good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deploy.prove.evidence import Evidence

Check = Callable[[Evidence], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Law:
    number: str
    says: str
    #: holds at any moment; looks at one database in one statement, so that it sees one moment
    always: Check | None = None
    #: holds when nothing is under way
    at_rest: Check | None = None
