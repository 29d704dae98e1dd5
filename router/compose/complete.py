"""Adds the definitions that links imply: federation's directives and scalars, `@link` itself, other known features.

What a schema defines itself must conform to the specification; see `conform`.
"""

from __future__ import annotations

from router.compose.define import add_directive, add_feature, add_scalar
from router.compose.findings import Findings
from router.compose.schema import DirectiveDefinition, Schema
from router.compose.subgraph import Subgraph, federation_names
from router.federation import specs


def complete(subgraph: Subgraph, findings: Findings) -> None:
    """Defines what is missing in the schema, and sets the subgraph's version and names."""
    link = subgraph.links.federation() if subgraph.links else None
    if link is None:
        _complete_federation_1(subgraph.schema, findings)
    else:
        spec = specs.feature_spec(link.url)
        if spec is None:
            findings.add(
                "UNKNOWN_FEDERATION_LINK_VERSION",
                f"There is no federation version {link.url.version}; the latest known is {specs.LATEST_FEDERATION}.",
                subgraph.schema.element.node,
            )
            return
        subgraph.version = link.url.version
        add_feature(subgraph.schema, spec, link, findings)
    if not findings:
        _complete_other_features(subgraph, findings)
    subgraph.names = federation_names(subgraph.links, subgraph.schema)


def _complete_federation_1(schema: Schema, findings: Findings) -> None:
    for name in ("key", "provides", "requires"):
        definition = schema.directives.get(name)
        if definition is not None and _is_known_misdefinition(definition):
            del schema.directives[name]
    renamed = {"FieldSet": "_FieldSet"}
    add_scalar(schema, "_FieldSet", findings)
    for spec in specs.FEDERATION_1:
        add_directive(schema, spec, spec.name, renamed, findings)


def _is_known_misdefinition(definition: DirectiveDefinition) -> bool:
    """Libraries of Federation 1 printed these wrong definitions, and nobody minded."""
    if not definition.arguments:
        return True
    fields = definition.arguments.get("fields")
    return (
        fields is not None
        and len(definition.arguments) == 1
        and str(fields.type) in ("String", "_FieldSet", "FieldSet")
    )


def _complete_other_features(subgraph: Subgraph, findings: Findings) -> None:
    skipped = (specs.LINK, specs.CORE, specs.FEDERATION, specs.JOIN)
    for link in subgraph.links.links.values() if subgraph.links else ():
        spec = specs.feature_spec(link.url)
        if spec is not None and link.url.identity not in skipped:
            add_feature(subgraph.schema, spec, link, findings)
