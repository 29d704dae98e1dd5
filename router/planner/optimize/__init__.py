"""Passes over the fetch graph, one a file. Each returns whether it changed anything."""

from __future__ import annotations

from collections.abc import Callable

from router.planner.fetch_graph import FetchGraph
from router.planner.optimize.alias_conflicts import alias_conflicts
from router.planner.optimize.hoist_conditions import hoist_conditions
from router.planner.optimize.join_later_requests import join_later_requests
from router.planner.optimize.lift_guards import lift_guards

#: In this order: aliases and conditions are those of the merged fetches.
PASSES: tuple[Callable[[FetchGraph], bool], ...] = (
    join_later_requests,
    alias_conflicts,
    lift_guards,
    hoist_conditions,
)

__all__ = ["PASSES"]
