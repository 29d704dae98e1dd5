"""@external must serve a field set or an interface, and cannot be on the fields of interfaces."""

from __future__ import annotations

from router.compose.facts import Facts
from router.compose.findings import Findings
from router.compose.schema import Kind
from router.compose.subgraph import Subgraph


def check_external(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    if not facts.external:
        return
    for type_ in subgraph.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for field in type_.fields.values():
            if not facts.is_external(field):
                continue
            if type_.kind is Kind.INTERFACE:
                findings.add(
                    "EXTERNAL_ON_INTERFACE", f'"{field.coordinate}" of an interface cannot be @external.', field.node
                )
            if field.coordinate not in facts.used:
                findings.add(
                    "EXTERNAL_UNUSED",
                    f'"{field.coordinate}" is @external, but no @key, @requires, @provides or interface needs it.',
                    field.node,
                )
