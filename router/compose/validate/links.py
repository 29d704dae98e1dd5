"""Names hidden by an import: `@federation__key` has no meaning once "@key" is imported."""

from __future__ import annotations

from collections import defaultdict

from router.compose.findings import Findings
from router.compose.schema import Schema
from router.compose.subgraph import Subgraph
from router.compose.type_ref import base_name
from router.federation.link import Import, LinkTable


def check_shadowed_names(subgraph: Subgraph, findings: Findings) -> None:
    links = subgraph.links
    if links is None:
        return
    schema = subgraph.schema
    used = {use.name for element in schema.elements() for use in element.applications}
    for name in schema.directives:
        shadow = links.shadowing_import(name, is_directive=True)
        if shadow is not None and name in used:
            _report(f"@{name}", shadow, findings)
    shadows = {name: links.shadowing_import(name, is_directive=False) for name in schema.types}
    if not any(shadows.values()):
        return
    users = _users_by_type(schema)
    for name, shadow in shadows.items():
        if shadow is not None and any(not _is_shadowed(user, links) for user in users[name]):
            _report(name, shadow, findings)


def _is_shadowed(user: str, links: LinkTable) -> bool:
    is_directive = user.startswith("@")
    return links.shadowing_import(user.removeprefix("@"), is_directive=is_directive) is not None


def _users_by_type(schema: Schema) -> dict[str, set[str]]:
    """Type name -> names of the types and directives (with `@`) that refer to it."""
    users: dict[str, set[str]] = defaultdict(set)
    for type_ in schema.types.values():
        for name in (*type_.interfaces, *type_.members):
            users[name].add(type_.name)
        for field in type_.fields.values():
            for ref in (field.type, *(argument.type for argument in field.arguments.values())):
                users[base_name(ref)].add(type_.name)
        for value in type_.inputs.values():
            users[base_name(value.type)].add(type_.name)
    for directive in schema.directives.values():
        for argument in directive.arguments.values():
            users[base_name(argument.type)].add(directive.coordinate)
    for name in schema.roots.values():
        users[name].add("")
    return users


def _report(name: str, shadow: Import, findings: Findings) -> None:
    findings.add(
        "INVALID_LINK_DIRECTIVE_USAGE",
        f'"{name}" is used, but the import of {shadow} gave it another name. Use the imported name.',
    )
