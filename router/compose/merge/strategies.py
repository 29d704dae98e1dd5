"""How different arguments of one federation directive become one.

Access requirements are in disjunctive normal form, `[[a, b], [c]]` meaning (a and b) or c; merging demands all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from router.compose.values import Value, same_value


def merge_values(strategy: str, values: Sequence[Value]) -> Value:
    """None stands for an argument that is not given."""
    given = [value for value in values if value is not None]
    if not given:
        return None
    match strategy:
        case "MAX" | "NULLABLE_MAX":
            return max(value for value in given if isinstance(value, int))
        case "NULLABLE_AND":
            return all(given)
        case "NULLABLE_UNION":
            return _union(given)
        case "DNF_CONJUNCTION":
            return [list(conjunction) for conjunction in conjoin(as_dnf(value) for value in given)]
    raise ValueError(f"unknown strategy {strategy}")


def _union(values: Iterable[Value]) -> list[Value]:
    merged: list[Value] = []
    for value in values:
        for item in value if isinstance(value, list) else [value]:
            if not any(same_value(item, other) for other in merged):
                merged.append(item)
    return merged


def as_dnf(value: Value) -> list[list[str]]:
    """Nothing required is written [] or [[]]; both become [[]], which is always true."""
    outer = value if isinstance(value, list) else [value]
    rows = [[str(item) for item in row] if isinstance(row, list) else [str(row)] for row in outer]
    return rows or [[]]


def conjoin(values: Iterable[list[list[str]]]) -> list[list[str]]:
    """All of the conditions at once, without redundant alternatives, in a stable order."""
    distinct: dict[str, list[list[str]]] = {}
    for value in values:
        ordered = sorted((sorted(row) for row in value), key=json.dumps)
        distinct.setdefault(json.dumps(ordered), ordered)
    first, *rest = distinct.values()
    result = first
    for other in rest:
        combined: dict[str, list[str]] = {}
        for mine in result:
            for theirs in other:
                row = sorted([*mine, *(item for item in theirs if item not in mine)])
                combined.setdefault(json.dumps(row), row)
        result = _without_subsumed(combined.values())
    return result


def _without_subsumed(rows: Iterable[list[str]]) -> list[list[str]]:
    """(a) or (a and b) is just (a)."""
    kept: list[list[str]] = []
    for row in sorted(rows, key=len):
        if not any(set(other) <= set(row) for other in kept):
            kept.append(row)
    return kept


def implies(one: list[list[str]], other: list[list[str]]) -> bool:
    """Whether whoever fulfils `one` fulfils `other`."""
    return all(any(set(theirs) <= set(mine) for theirs in other or [[]]) for mine in one or [[]])
