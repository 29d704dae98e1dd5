"""A query that shows the problem, cut off with an ellipsis where it cannot go on."""

from __future__ import annotations

from collections.abc import Sequence

from router.compose.satisfiability.options import Cast, Step
from router.compose.schema import Kind, Schema
from router.compose.type_ref import ListOf, NonNull, TypeRef, nullable
from router.compose.values import ABSENT, EnumText, Value, print_value

_EXAMPLES: dict[str, Value] = {"Int": 0, "Float": 3.14, "Boolean": True, "String": "A string value", "ID": "<any id>"}


def print_witness(schema: Schema, kind: str, steps: Sequence[Step | Cast]) -> str:
    lines = ["{" if kind == "query" else f"{kind} {{"]
    last = len(steps) - 1
    for depth, step in enumerate(steps):
        text = f"... on {step.target}" if isinstance(step, Cast) else _field(schema, step)
        is_open = depth < last or isinstance(step, Cast) or not step.is_leaf
        lines.append("  " * (depth + 1) + text + (" {" if is_open else ""))
    depth = len(steps)
    if isinstance(steps[last], Cast) or not _is_leaf(steps[last]):
        lines.append("  " * (depth + 1) + "...")
    else:
        depth -= 1
    lines += ["  " * level + "}" for level in range(depth, -1, -1)]
    return "\n".join(lines)


def _is_leaf(step: Step | Cast) -> bool:
    return isinstance(step, Step) and step.is_leaf


def _field(schema: Schema, step: Step) -> str:
    given = [f"{a.name}: {print_value(_example(schema, a.type))}" for a in step.field.arguments.values()]
    return step.field.name + (f"({', '.join(given)})" if given else "")


def _example(schema: Schema, ref: TypeRef, depth: int = 0) -> Value:
    inner = nullable(ref)
    if isinstance(inner, ListOf):
        return []
    type_ = schema.types.get(inner.name)
    if type_ is not None and type_.kind is Kind.ENUM:
        return EnumText(next(iter(type_.values), "VALUE"))
    if type_ is not None and type_.kind is Kind.INPUT_OBJECT and depth < 8:
        return {
            field.name: _example(schema, field.type, depth + 1)
            for field in type_.inputs.values()
            if field.default is ABSENT and isinstance(field.type, NonNull)
        }
    return _EXAMPLES.get(inner.name, "<some value>")
