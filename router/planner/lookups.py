"""Between options that cost the same requests: which makes subgraphs look up less.

Requests and round trips are what the cost model counts (`cost.py`); this breaks its ties.
"""

from __future__ import annotations

from router.planner.cost import weight
from router.planner.query_tree import Enter, Part, Solution, Take

#: cost, and what is done for it
Option = tuple[int, tuple[Part, ...]]


class LookupCounter:
    """Remembers counts by solution, for the length of one search."""

    def __init__(self, subgraph_count: int) -> None:
        self._subgraph_count = subgraph_count
        self._counts: dict[tuple[int, bool], tuple[Solution, int]] = {}

    def least_first(self, options: list[Option]) -> list[Option]:
        """Options of equal weight in the order of what they look up behind entity moves: ties go to the earlier one.

        Example: two subgraphs give `animals`, and one of them `@provides` their names; both need a third for the age
        of cats, but only from the other must the names of all animals be fetched there as well.
        """
        if len(options) < 2:
            return options
        weights = [weight(cost, self._subgraph_count) for cost, _ in options]
        if len(set(weights)) == len(weights):
            return options
        ranks = [(weights.index(own), self.count(parts)) for own, (_, parts) in zip(weights, options, strict=True)]
        return [options[i] for i in sorted(range(len(options)), key=ranks.__getitem__)]

    def count(self, parts: tuple[Part, ...]) -> int:
        """How many fields are taken behind entity moves, at any depth."""
        return self._count(parts, is_behind=False)

    def _count(self, parts: tuple[Part, ...], *, is_behind: bool) -> int:
        count = 0
        for part in parts:
            is_behind_part = is_behind
            if isinstance(part, Enter):
                count += self._count_below(part.inputs, is_behind)
                is_behind_part = is_behind or not part.move.is_root
            elif isinstance(part, Take):
                count += is_behind
            if part.child is not None:
                count += self._count_below(part.child, is_behind_part)
        return count

    def _count_below(self, solution: Solution, is_behind: bool) -> int:
        key = (id(solution), is_behind)
        known = self._counts.get(key)
        if known is None:
            count = self._count(solution.parts, is_behind=is_behind)
            known = self._counts[key] = (solution, count)
        return known[1]
