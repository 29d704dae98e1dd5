"""What composition takes and gives: subgraph definitions in; a supergraph, hints and errors out."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass

from graphql import Node

from router.compose.codes import ErrorCode
from router.compose.hint_codes import HintCode


@dataclass(frozen=True, slots=True)
class SubgraphDefinition:
    name: str
    url: str  #: routing URL; any scheme the router knows, may be empty
    sdl: str  #: Federation 1 or 2 SDL, with or without the definitions of federation's own directives


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the SDL of a subgraph; lines and columns count from 1."""

    subgraph: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.subgraph}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class CompositionError:
    code: ErrorCode
    message: str  #: what is wrong and where, in words
    subgraphs: tuple[str, ...] = ()  #: whose SDL has to change; empty when it cannot be said
    positions: tuple[Position, ...] = ()

    @property
    def advice(self) -> str:
        """What to do about errors of this code."""
        return self.code.advice

    def __str__(self) -> str:
        return f"{self.code.name}: {_with_subgraph(self.subgraphs, self.message)}"


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that composes but deserves a look."""

    code: HintCode
    message: str
    coordinate: str | None = None  #: schema coordinate in the supergraph
    positions: tuple[Position, ...] = ()

    def __str__(self) -> str:
        return f"{self.code.level.name} {self.code.name}: {self.message}"


@dataclass(frozen=True, slots=True)
class Composition:
    """Either both SDLs and perhaps hints, or errors. Equal inputs give equal text, in any order of subgraphs."""

    supergraph_sdl: str | None
    api_sdl: str | None
    errors: tuple[CompositionError, ...] = ()
    hints: tuple[Hint, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def summary(self) -> str:
        """What came of it, in a few words."""
        return f"composed, {_count(self.hints, 'hint')}" if self.ok else f"not composed, {_count(self.errors, 'error')}"


def position_of(subgraph: str, node: Node | None) -> Position | None:
    location = node.loc if node is not None else None
    if location is None:
        return None
    token = location.start_token
    return Position(subgraph, token.line, token.column)


def _count(items: Sized, noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _with_subgraph(subgraphs: tuple[str, ...], message: str) -> str:
    return f"[{subgraphs[0]}] {message}" if len(subgraphs) == 1 else message
