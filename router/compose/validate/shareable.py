"""@shareable: once per declaration, and only on objects and their fields."""

from __future__ import annotations

from collections import Counter

from router.compose.facts import Facts
from router.compose.findings import Findings
from router.compose.schema import Field, Kind, TypeDefinition
from router.compose.subgraph import Subgraph


def check_shareable(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    uses = facts.uses.get("shareable", ())
    if not uses:
        return
    counts = Counter((id(element), use.extension) for use, element, _ in uses)
    reported: set[int] = set()
    for use, element, parent in uses:
        if isinstance(element, Field) and isinstance(parent, TypeDefinition) and parent.kind is not Kind.OBJECT:
            findings.add(
                "INVALID_SHAREABLE_USAGE", f'"{element.coordinate}" of an interface cannot be @shareable.', use.node
            )
        elif counts[id(element), use.extension] > 1 and id(element) not in reported:
            reported.add(id(element))
            findings.add("INVALID_SHAREABLE_USAGE", f'"{element.coordinate}" repeats @shareable.', use.node)
