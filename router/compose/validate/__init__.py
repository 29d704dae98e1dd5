"""Validates one subgraph: the rules of GraphQL first, then those of its federation version."""

from __future__ import annotations

from router.compose.facts import Facts, gather_facts
from router.compose.findings import FatalError, Findings
from router.compose.graphql_rules import check_graphql
from router.compose.schema import ROOT_NAMES, rename_type
from router.compose.subgraph import Subgraph
from router.compose.validate.access import check_access
from router.compose.validate.context import check_contexts
from router.compose.validate.cost import check_costs
from router.compose.validate.external import check_external
from router.compose.validate.field_sets import check_field_sets
from router.compose.validate.interfaces import check_interfaces
from router.compose.validate.links import check_shadowed_names
from router.compose.validate.shareable import check_shareable
from router.compose.validate.tag import check_tag_definition


def validate_subgraph(subgraph: Subgraph, findings: Findings) -> None:
    """Root types get their default names on the way. Federation 1 is checked after its upgrade."""
    check_graphql(subgraph.schema, findings)
    check_shadowed_names(subgraph, findings)
    if findings:
        return
    _use_default_root_names(subgraph, findings)
    if subgraph.is_fed2:
        try:
            _check_federation(subgraph, gather_facts(subgraph), findings)
        except FatalError as error:
            findings.items[:] = error.findings


def _check_federation(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    check_field_sets(subgraph, facts, findings)
    check_contexts(subgraph, facts, findings)
    check_external(subgraph, facts, findings)
    check_interfaces(subgraph, facts, findings)
    check_tag_definition(subgraph, findings)
    check_shareable(subgraph, facts, findings)
    check_costs(subgraph, facts, findings)
    check_access(subgraph, facts, findings)


def _use_default_root_names(subgraph: Subgraph, findings: Findings) -> None:
    schema = subgraph.schema
    for kind, default in ROOT_NAMES.items():
        name = schema.roots.get(kind)
        if name is None or name == default:
            continue
        other = schema.types.get(default)
        if other is not None:
            findings.add(
                f"ROOT_{kind.upper()}_USED",
                f'Type "{default}" is not the {kind} root, which is "{name}": in a supergraph all {kind} roots are'
                f' called "{default}".',
                schema.types[name].node,
                other.node,
            )
            continue
        rename_type(schema, name, default)
