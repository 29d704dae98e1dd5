"""Explanations for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from router.plan.json import plan_to_json
from router.plan.walk import fetch_count, round_trips
from router.planner.explain.explanation import Candidate, Choice, Explanation


def print_explanation(explanation: Explanation) -> str:
    """A paragraph for each choice: `*` won, `-` lost, `x` gives no plan. Fields with one candidate take one line."""
    lines = [line for choice in explanation.choices for line in _choice(choice)]
    if explanation.plan is None:
        return "\n".join(("No plan. What nobody can give:", *lines))
    fetches, trips = fetch_count(explanation.plan), round_trips(explanation.plan)
    return "\n".join((*lines, f"The plan: {_cost(fetches, trips)}."))


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    plan = None if explanation.plan is None else plan_to_json(explanation.plan)
    return {"choices": [asdict(choice) for choice in explanation.choices], "plan": plan}


def _choice(choice: Choice) -> list[str]:
    place = f"{choice.field}, {choice.subgraph}" if choice.subgraph else choice.field
    purpose = "" if choice.purpose == "selected" else f", {choice.purpose}"
    head = f"{choice.path} ({place}{purpose})"
    if len(choice.candidates) == 1 and choice.candidates[0].is_chosen:
        return [f"{head}: {_candidate(choice.candidates[0])}"]
    return [head, *(f"  {_mark(candidate)} {_candidate(candidate)}" for candidate in choice.candidates)]


def _mark(candidate: Candidate) -> str:
    if not candidate.is_possible:
        return "x"
    return "*" if candidate.is_chosen else "-"


def _candidate(candidate: Candidate) -> str:
    if not candidate.is_possible:
        return f"{candidate.route}: {candidate.why}"
    return f"{candidate.route}, {_cost(candidate.request_count, candidate.round_trip_count)}: {candidate.why}"


def _cost(request_count: int, round_trip_count: int) -> str:
    if not request_count:
        return "no request"
    return f"{plural(request_count, 'request')} in {plural(round_trip_count, 'round trip')}"


def plural(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
