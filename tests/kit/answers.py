"""Comparing two answers to one GraphQL request."""

from __future__ import annotations

from collections import defaultdict
from typing import Any


def with_order(value: Any) -> Any:
    """With objects as lists of pairs: the order of keys counts, and `==` of dictionaries does not see it."""
    if isinstance(value, dict):
        return [(key, with_order(below)) for key, below in value.items()]
    return [with_order(below) for below in value] if isinstance(value, list) else value


def errors_by_place(answer: dict[str, Any]) -> dict[str, Any]:
    """By the place in the data that is null because of it: the error, or "null" where it is one from further below.
    Which of several failing branches below one place are heard of is a matter of turns."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for error in answer.get("errors", []):
        value, place = answer["data"], []
        path = error.get("path") or []
        for key in path:
            if value is None:
                break
            value = value[key]
            place.append(key)
        found[str(place)].append((error, len(path) == len(place)))
    return {
        place: errors[0][0] if len(errors) == 1 and errors[0][1] else "null" for place, errors in sorted(found.items())
    }
