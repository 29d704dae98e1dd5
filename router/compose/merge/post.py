"""Checks that need the whole supergraph."""

from __future__ import annotations

from router.compose.field_sets import FieldSetError, resolve
from router.compose.findings import Findings
from router.compose.graphql_rules import check_graphql
from router.compose.merge.context import MergeContext
from router.compose.merge.transitive_access import check_transitive_access
from router.compose.report import name_list
from router.compose.schema import Field, Kind


def check_merged(context: MergeContext) -> None:
    _check_interface_fields(context)
    _check_requires(context)
    check_transitive_access(context)
    if context.report.has_errors():
        return
    findings = Findings()
    check_graphql(context.merged, findings)
    for finding in findings.items:
        context.report.error(finding.code, f"In the supergraph: {finding.message}")


def _check_interface_fields(context: MergeContext) -> None:
    """A type may implement an interface in a subgraph where the interface lacks fields it has elsewhere."""
    for type_ in context.merged.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for name in type_.interfaces:
            for field in context.merged.types[name].fields.values():
                if field.name in type_.fields:
                    continue
                declaring = _declaring(context, name, field.name)
                implementing = _implementing(context, type_.name, name)
                context.report.error(
                    "INTERFACE_FIELD_NO_IMPLEM",
                    f'"{field.coordinate}" is declared in {name_list(declaring)}, but "{type_.name}", which implements'
                    f' "{name}" in {name_list(implementing)}, has no such field.',
                    subgraphs=[*declaring, *implementing],
                )


def _declaring(context: MergeContext, name: str, field: str) -> list[str]:
    versions = context.types_by_name[name].items()
    return [context.subgraphs[i].name for i, t in versions if t.kind is Kind.INTERFACE and field in t.fields]


def _implementing(context: MergeContext, name: str, interface: str) -> list[str]:
    return [context.subgraphs[i].name for i, t in context.types_by_name[name].items() if interface in t.interfaces]


def _check_requires(context: MergeContext) -> None:
    """Arguments merge by intersection, so what a @requires selects may have lost or gained one."""
    for index, subgraph in enumerate(context.subgraphs):
        for use, field, parent in context.facts[index].uses.get("requires", ()):
            text = use.arguments.get("fields")
            merged = context.merged.types.get(parent.coordinate)
            if not isinstance(field, Field) or not isinstance(text, str) or merged is None:
                continue
            try:
                resolve(context.merged, merged, text)
            except FieldSetError as error:
                context.report.error(
                    "REQUIRES_INVALID_FIELDS",
                    f'@requires on "{field.coordinate}" is not valid for all subgraphs: {error.message}',
                    places=[(subgraph.name, use.node)],
                )
