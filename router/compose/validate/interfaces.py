"""Keys on interfaces, and @interfaceObject."""

from __future__ import annotations

from router.compose.facts import Facts
from router.compose.field_sets import FieldSetError, Selection, canonical, resolve
from router.compose.findings import Findings
from router.compose.report import name_list
from router.compose.schema import Application, Kind, TypeDefinition
from router.compose.subgraph import Subgraph


def check_interfaces(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    for interface in subgraph.schema.of_kind(Kind.INTERFACE):
        for use in subgraph.all_applied(interface, "key"):
            _check_key(subgraph, interface, use, findings)
    for _, type_, _ in facts.uses.get("interfaceObject", ()):
        if isinstance(type_, TypeDefinition) and not subgraph.applied(type_, "key"):
            findings.add(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f'"{type_.name}" has @interfaceObject, but no @key by which to find its objects elsewhere.',
                type_.node,
            )


def _check_key(subgraph: Subgraph, interface: TypeDefinition, use: Application, findings: Findings) -> None:
    wanted = _selections(subgraph, interface, use)
    if wanted is None:
        return
    missing: list[str] = []
    unresolvable: list[str] = []
    for name in subgraph.schema.possible_types(interface.name):
        type_ = subgraph.schema.types[name]
        own = [key for key in subgraph.all_applied(type_, "key") if _same(wanted, _selections(subgraph, type_, key))]
        if not own:
            missing.append(name)
        elif use.arguments.get("resolvable") is not False and own[0].arguments.get("resolvable") is False:
            unresolvable.append(name)
    if missing:
        types = name_list(missing, "type", "types")
        findings.add(
            "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
            f'The key of interface "{interface.name}" lacks on {types}.',
            use.node,
        )
    elif unresolvable:
        types = name_list(unresolvable, "type", "types")
        findings.add(
            "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
            f'The key of interface "{interface.name}" is resolvable, but not on {types}.',
            use.node,
        )


def _selections(subgraph: Subgraph, type_: TypeDefinition, use: Application) -> tuple[Selection, ...] | None:
    text = use.arguments.get("fields")
    try:
        return resolve(subgraph.schema, type_, text) if isinstance(text, str) else None
    except FieldSetError:
        return None


def _same(wanted: tuple[Selection, ...], own: tuple[Selection, ...] | None) -> bool:
    return own is not None and canonical(wanted) == canonical(own)
