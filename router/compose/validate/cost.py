"""@cost and @listSize (IBM cost directives specification, as far as federation enforces it)."""

from __future__ import annotations

from router.compose.facts import Facts
from router.compose.findings import Findings
from router.compose.schema import COMPOSITE, Application, Field, Kind, TypeDefinition
from router.compose.subgraph import Subgraph
from router.compose.type_ref import base_name, is_list, nullable
from router.compose.values import Value


def check_costs(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    for use, field, parent in facts.uses.get("cost", ()):
        if isinstance(field, Field) and isinstance(parent, TypeDefinition) and parent.kind is Kind.INTERFACE:
            findings.add(
                "COST_APPLIED_TO_INTERFACE_FIELD", f'"{field.coordinate}" of an interface has @cost.', use.node
            )
    for use, field, _ in facts.uses.get("listSize", ()):
        if isinstance(field, Field):
            _check_list_size(subgraph, use, field, findings)


def _check_list_size(subgraph: Subgraph, use: Application, field: Field, findings: Findings) -> None:
    sized_fields = _strings(use.arguments.get("sizedFields"))
    assumed_size = use.arguments.get("assumedSize")
    if not sized_fields and not is_list(field.type):
        findings.add("LIST_SIZE_APPLIED_TO_NON_LIST", f'"{field.coordinate}: {field.type}" is not a list.', use.node)
    if isinstance(assumed_size, int) and assumed_size < 0:
        findings.add(
            "LIST_SIZE_INVALID_ASSUMED_SIZE", f'The assumed size of "{field.coordinate}" is negative.', use.node
        )
    for name in _strings(use.arguments.get("slicingArguments")):
        argument = field.arguments.get(name)
        if argument is None or str(nullable(argument.type)) != "Int":
            findings.add(
                "LIST_SIZE_INVALID_SLICING_ARGUMENT", f'"{field.coordinate}" has no Int argument "{name}".', use.node
            )
    if sized_fields:
        _check_sized_fields(subgraph, sized_fields, use, field, findings)


def _check_sized_fields(
    subgraph: Subgraph, names: list[str], use: Application, field: Field, findings: Findings
) -> None:
    type_ = subgraph.schema.types.get(base_name(field.type))
    if type_ is None or type_.kind not in COMPOSITE:
        findings.add(
            "LIST_SIZE_INVALID_SIZED_FIELD", f'"{field.coordinate}: {field.type}" has no fields to size.', use.node
        )
        return
    for name in names:
        sized = type_.fields.get(name)
        if sized is None:
            findings.add("LIST_SIZE_INVALID_SIZED_FIELD", f'"{type_.name}" has no field "{name}".', use.node)
        elif not is_list(sized.type):
            findings.add(
                "LIST_SIZE_APPLIED_TO_NON_LIST", f'"{sized.coordinate}: {sized.type}" is not a list.', use.node
            )


def _strings(value: Value) -> list[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [item for item in items if isinstance(item, str)]
