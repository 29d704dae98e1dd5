"""Choosing one option for each of several selections, so that all together cost least.

In: for every selection its options as costs (bit masks, see `cost.py`). Out: the index of the option chosen for each.
Exact by branch and bound for the usual handful of undecided selections; after `_BUDGET` steps, or when a plan has used
up its allowance for all of its choices, the best choice found so far is taken, which is at least as good as the greedy
one. Ties go to the earlier option: the caller puts the
subgraph that is already there first, then supergraph order, which makes plans deterministic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.planner.cost import weight

_BUDGET = 4000  #: steps for one choice


@dataclass(slots=True)
class Allowance:
    """What is left for all choices of one plan: there may be thousands, and each hard."""

    steps: int = 40_000  #: a second or so


def choose(options: Sequence[Sequence[int]], subgraph_count: int, allowance: Allowance) -> list[int]:
    """Every selection must have at least one option. Takes from the allowance."""
    chosen = [0] * len(options)
    cost, pending = 0, []
    for index, costs in enumerate(options):
        if len(costs) == 1:
            cost |= costs[0]
        else:
            pending.append(index)
    cost, groups = _absorb(options, pending, cost, chosen)
    if groups:
        search = _Search(list(groups), cost, subgraph_count, min(_BUDGET, allowance.steps))
        for picked, indexes in zip(search.run(), groups.values(), strict=True):
            for index in indexes:
                chosen[index] = picked
        allowance.steps = max(0, allowance.steps - search.steps)
    return chosen


def _absorb(
    options: Sequence[Sequence[int]], pending: list[int], cost: int, chosen: list[int]
) -> tuple[int, dict[tuple[int, ...], list[int]]]:
    """Takes all options that are free beside what must be fetched anyway; groups the rest by equal options."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index in pending:
        costs = options[index]
        free = next((i for i, c in enumerate(costs) if c | cost == cost), None)
        if free is None:
            groups.setdefault(tuple(costs), []).append(index)
        else:
            chosen[index] = free
    return cost, groups


class _Search:
    def __init__(self, groups: list[tuple[int, ...]], cost: int, subgraph_count: int, budget: int) -> None:
        self._groups = groups
        self._start = cost
        self._subgraph_count = subgraph_count
        self._order = sorted(range(len(groups)), key=lambda i: len(groups[i]))
        self._picked = [0] * len(groups)
        self._budget = budget
        self.steps = 0
        self._best = self._greedy()
        self._best_weight = weight(self._union(self._best), subgraph_count)

    def run(self) -> list[int]:
        """One option index per group."""
        self._descend(0, self._start)
        return self._best

    def _union(self, picked: list[int]) -> int:
        cost = self._start
        for costs, index in zip(self._groups, picked, strict=True):
            cost |= costs[index]
        return cost

    def _greedy(self) -> list[int]:
        picked, cost = [0] * len(self._groups), self._start
        for group in self._order:
            costs = self._groups[group]
            best = min(range(len(costs)), key=lambda i: (weight(cost | costs[i], self._subgraph_count), i))
            picked[group] = best
            cost |= costs[best]
        return picked

    def _descend(self, depth: int, cost: int) -> None:
        if weight(cost, self._subgraph_count) >= self._best_weight:
            return
        if depth == len(self._order):
            self._best, self._best_weight = list(self._picked), weight(cost, self._subgraph_count)
            return
        if self.steps >= self._budget:
            return
        self.steps += 1
        group = self._order[depth]
        for index, option in enumerate(self._groups[group]):
            self._picked[group] = index
            self._descend(depth + 1, cost | option)
