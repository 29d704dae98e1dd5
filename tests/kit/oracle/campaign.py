"""Many cases by number: each seed is one supergraph with a few operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from random import Random

from tests.kit.oracle.random_operation import OperationGenerator
from tests.kit.oracle.random_supergraph import draw_subgraphs
from tests.kit.oracle.trouble import Trouble
from tests.kit.oracle.world import Case, Difference, World

OPERATIONS_PER_SUPERGRAPH = 8
_MOST_ASSIGNMENTS = 3
_TROUBLES = (
    *(Trouble.NONE, Trouble.NONE, Trouble.BROKEN, Trouble.ERRORS),
    *(Trouble.NONE, Trouble.ABSENT, Trouble.NONE, Trouble.BROKEN),
)


@dataclass(slots=True)
class Campaign:
    """`run()` goes on from the seed until the number of cases is reached and yields each with what is wrong."""

    seed: int
    case_count: int
    counts: Counter[str] = field(default_factory=Counter)

    async def run(self) -> AsyncIterator[tuple[Case, Difference | None]]:
        while self.counts["cases"] < self.case_count:
            async for found in self._run_seed(self.seed):
                yield found
            self.seed += 1

    async def _run_seed(self, seed: int) -> AsyncIterator[tuple[Case, Difference | None]]:
        subgraphs = draw_subgraphs(seed)
        self.counts["supergraphs"] += 1
        try:
            world = World(subgraphs)
        except ValueError:
            self.counts["not composed"] += 1
            return
        generator = OperationGenerator(world.monolith, seed)
        labels = world.supergraph.labels
        for number in range(OPERATIONS_PER_SUPERGRAPH):
            query, variables = generator.operation()
            on = frozenset(label for index, label in enumerate(sorted(labels)) if (number >> index) & 1)
            trouble = _TROUBLES[number % len(_TROUBLES)]
            case = Case(subgraphs, query, variables, on, seed=seed * 100 + number, trouble=trouble)
            for each in _under_other_guards(case, generator.guards()):
                try:
                    difference = await world.difference(each)
                except ValueError:
                    self.counts["invalid"] += 1
                    break
                self.counts["cases"] += 1
                if difference is not None:
                    self.counts[difference.kind] += 1
                yield each, difference


def _under_other_guards(case: Case, names: list[str]) -> Iterator[Case]:
    """As it is, and with other values of the variables in its guards: what depends on a guard that the router forgets
    is seen only where the others hold."""
    yield case
    random = Random(case.seed)  # noqa: S311  # repeatable test data
    for _ in range(min(len(names), _MOST_ASSIGNMENTS)):
        values = {name: random.random() < 0.5 for name in names}
        yield replace(case, variables={**case.variables, **values})
