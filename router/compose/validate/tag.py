"""A subgraph may bring its own definition of @tag; it must take a name and fit the newest specification."""

from __future__ import annotations

from router.compose.findings import Findings
from router.compose.subgraph import Subgraph
from router.federation import specs


def check_tag_definition(subgraph: Subgraph, findings: Findings) -> None:
    definition = subgraph.schema.directives.get(subgraph.names.get("tag", ""))
    if definition is None:
        return
    name = definition.arguments.get("name")
    allowed = specs.IN_SUPERGRAPH[specs.TAG].directives["tag"].locations
    if (
        name is None
        or len(definition.arguments) > 1
        or str(name.type) != "String!"
        or not set(definition.locations) <= set(allowed)
    ):
        findings.add(
            "DIRECTIVE_DEFINITION_INVALID",
            f'"@{definition.name}" must be defined as (name: String!) repeatable on {" | ".join(allowed)}.',
            definition.node,
        )
