"""Problems found inside one subgraph, before they get its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from graphql import Node

from router.compose.records import Position
from router.compose.report import Report
from router.federation.version import LinkError


@dataclass(frozen=True, slots=True)
class Finding:
    code: str
    message: str
    nodes: tuple[Node, ...] = ()
    location: tuple[int, int] | None = None  #: line and column, where there is no node yet


class FatalError(Exception):
    """Building cannot go on; these findings replace all that was found before."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        super().__init__()
        self.findings = list(findings)


@dataclass(slots=True)
class Findings:
    items: list[Finding] = field(default_factory=list)

    def add(self, code: str, message: str, *nodes: Node | None) -> None:
        self.items.append(Finding(code, message, tuple(node for node in nodes if node is not None)))

    def invalid(self, message: str, *nodes: Node | None) -> None:
        self.add("INVALID_GRAPHQL", message, *nodes)

    def add_link_error(self, error: LinkError, node: Node | None) -> None:
        for line in error.message.split("\n"):
            self.add(error.code, line, node)

    def __bool__(self) -> bool:
        return bool(self.items)

    def publish(self, subgraph: str, report: Report) -> None:
        for item in self.items:
            report.error(
                item.code,
                item.message,
                subgraphs=(subgraph,),
                places=[(subgraph, node) for node in item.nodes],
                position=Position(subgraph, *item.location) if item.location else None,
            )


def fatal(message: str, *nodes: Node | None, code: str = "INVALID_GRAPHQL") -> FatalError:
    return FatalError([Finding(code, message, tuple(node for node in nodes if node is not None))])
