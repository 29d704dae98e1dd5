"""Compositions as text and as JSON, in the forms rover's users know."""

from __future__ import annotations

from typing import Any

from router.compose.records import Composition, Position

#: rover's code for compositions that fail
_BUILD_FAILED = "E029"


def error_report(composition: Composition) -> str:
    """What went wrong, and what to do about it; empty for a composition that succeeded."""
    count = len(composition.errors)
    if count == 0:
        return ""
    lines = [f"error[{_BUILD_FAILED}]: {_headline(composition)}", "", "Caused by:"]
    for error in composition.errors:
        first, *more = str(error).split("\n")
        lines += [f"    {first}", *(f"    {line}" for line in more)]
        lines += [f"      at {position}" for position in error.positions]
        lines.append(f"      = {error.advice}")
    return "\n".join(lines) + "\n"


def _headline(composition: Composition) -> str:
    count = len(composition.errors)
    return f"Encountered {count} build error{'' if count == 1 else 's'} while trying to build a supergraph."


def composition_json(composition: Composition) -> dict[str, Any]:
    """`{"json_version", "data": {"success", "core_schema", "hints"}, "error": {"code", "message", "details"}}`, as
    rover's `--format json`, and of ours `api_schema`, `advice`, `subgraphs`, `level` and `coordinate`."""
    errors = [
        {
            "type": "composition",
            "code": error.code.name,
            "message": error.message,
            "advice": error.advice,
            "subgraphs": list(error.subgraphs),
            "nodes": [_position(position) for position in error.positions],
        }
        for error in composition.errors
    ]
    hints = [
        {
            "code": hint.code.name,
            "level": hint.code.level.name,
            "message": hint.message,
            "coordinate": hint.coordinate,
            "nodes": [_position(position) for position in hint.positions],
        }
        for hint in composition.hints
    ]
    failure = {"code": _BUILD_FAILED, "message": _headline(composition), "details": {"build_errors": errors}}
    return {
        "json_version": "2",
        "data": {
            "success": composition.ok,
            "core_schema": composition.supergraph_sdl,
            "api_schema": composition.api_sdl,
            "hints": hints,
        },
        "error": None if composition.ok else failure,
    }


def _position(position: Position) -> dict[str, Any]:
    return {"subgraph": position.subgraph, "start": {"line": position.line, "column": position.column}}
