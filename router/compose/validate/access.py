"""@authenticated, @requiresScopes and @policy cannot be on interfaces: those inherit from their implementations."""

from __future__ import annotations

from router.compose.facts import Facts
from router.compose.findings import Findings
from router.compose.schema import Field, Kind, TypeDefinition
from router.compose.subgraph import Subgraph

ACCESS_DIRECTIVES = ("authenticated", "requiresScopes", "policy")


def check_access(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    for directive in ACCESS_DIRECTIVES:
        for use, element, parent in facts.uses.get(directive, ()):
            on_interface = isinstance(element, TypeDefinition) and (
                element.kind is Kind.INTERFACE or subgraph.is_interface_object(element)
            )
            in_interface = (
                isinstance(element, Field) and isinstance(parent, TypeDefinition) and parent.kind is Kind.INTERFACE
            )
            if on_interface or in_interface:
                findings.add(
                    "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE",
                    f'@{use.name} cannot be on "{element.coordinate}": interfaces, their fields and interface objects'
                    " inherit from the implementations.",
                    use.node,
                )
