"""`compose()`: subgraph SDLs in, one supergraph out, or the reasons why not."""

from __future__ import annotations

from collections.abc import Sequence

from common.collector import collection_paused
from router.compose.api_schema import build_api_schema
from router.compose.build import build_subgraph
from router.compose.contract import Contract, apply_contract
from router.compose.findings import Findings
from router.compose.merge import merge_subgraphs
from router.compose.print_schema import print_schema
from router.compose.records import Composition, SubgraphDefinition
from router.compose.report import Report
from router.compose.satisfiability import MOST_OPTIONS, check_satisfiability
from router.compose.subgraph import Subgraph
from router.compose.upgrade import upgrade_subgraphs
from router.compose.validate import validate_subgraph


@collection_paused()
def compose(
    subgraphs: Sequence[SubgraphDefinition], *, contract: Contract | None = None, most_options: int = MOST_OPTIONS
) -> Composition:
    """Composes the subgraphs, whose order does not matter. Never raises on bad SDL.

    The stages stop at the first that finds errors, since later ones would only repeat them in other words.
    A contract leaves out parts of the API by their tags; `most_options` bounds the satisfiability check, which has a
    code of its own for giving up.
    """
    report = Report()
    built = _build(subgraphs, report)
    if report.has_errors():
        return _failure(report)
    upgrade_subgraphs(built, report)
    if report.has_errors():
        return _failure(report)
    context = merge_subgraphs(built, report)
    if report.has_errors():
        return _failure(report)
    if contract is not None:
        apply_contract(context, contract)
    api = build_api_schema(context)
    if report.has_errors():
        return _failure(report)
    check_satisfiability(context, api, most_options)
    if report.has_errors():
        return _failure(report)
    return Composition(print_schema(context.merged), print_schema(api), hints=tuple(report.hints))


def _build(definitions: Sequence[SubgraphDefinition], report: Report) -> list[Subgraph]:
    """Parses, completes and validates each subgraph on its own; sorted by name."""
    built: list[Subgraph] = []
    names: set[str] = set()
    for definition in sorted(definitions, key=lambda definition: definition.name):
        if definition.name in ("", "_") or definition.name in names:
            problem = "is used twice" if definition.name in names else "is reserved"
            report.error("INVALID_SUBGRAPH_NAME", f'The subgraph name "{definition.name}" {problem}.', subgraphs=())
        names.add(definition.name)
        findings = Findings()
        subgraph = build_subgraph(definition, findings)
        if subgraph is not None:
            validate_subgraph(subgraph, findings)
            built.append(subgraph)
        findings.publish(definition.name, report)
    return built


def _failure(report: Report) -> Composition:
    ordered = sorted(report.errors, key=lambda error: (error.code.name, error.subgraphs, error.message))
    return Composition(None, None, errors=tuple(ordered))
