"""Prepared operation to compiled plan, kept beside the operation: per override labels and what the caller may see."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable
from time import perf_counter

from router.errors import QUERY_PLAN_COMPLEXITY_EXCEEDED, VALIDATION_PLANNING_ERROR, refuse
from router.execution.compiled import compile_plan
from router.pipeline.authorize import Granted
from router.pipeline.documents import Planned, PreparedOperation
from router.pipeline.offload import Offload
from router.plan.nodes import QueryPlan
from router.planner import Planner, PlanningError, PlanTooLargeError
from router.supergraph import Supergraph
from router.telemetry import RouterMetrics

logger = logging.getLogger(__name__)
_NO_LABELS: frozenset[str] = frozenset()
_PERCENT = re.compile(r"percent\((\d+(?:\.\d+)?)\)")


class Plans:
    """The planner of one supergraph with the plans made so far."""

    def __init__(
        self,
        supergraph: Supergraph,
        planner: Planner,
        metrics: RouterMetrics,
        offload: Offload,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._offload = offload
        self._supergraph = supergraph
        self._planner = planner
        self._metrics = metrics
        self._draw = draw
        self._percent = {label: float(match[1]) for label in supergraph.labels if (match := _PERCENT.fullmatch(label))}

    def draw_labels(self) -> frozenset[str]:
        """The override labels that are on for one request: `percent(5)` in five of a hundred."""
        if not self._percent:
            return _NO_LABELS
        drawn = self._draw() * 100
        return frozenset(label for label, percent in self._percent.items() if drawn < percent)

    def known(self, prepared: PreparedOperation, granted: Granted, labels: frozenset[str]) -> Planned | None:
        """What `plan` would give, if it would give it at once."""
        planned = prepared.plans.get((labels, granted.denied))
        if planned is not None:
            self._metrics.looked_up("query planner", was_found=True)
        return planned

    async def plan(self, prepared: PreparedOperation, granted: Granted, labels: frozenset[str]) -> Planned:
        """Raises RequestError when there is no plan, or none was found in reasonable time."""
        key = (labels, granted.denied)
        planned = self.known(prepared, granted, labels)
        if planned is None:
            self._metrics.looked_up("query planner", was_found=False)
            if prepared.is_long:
                planned = await self._offload.run((id(prepared), *key), lambda: self._plan(granted, labels))
            else:
                planned = self._plan(granted, labels)
            prepared.plans.put(key, planned)
        return planned

    def _plan(self, granted: Granted, labels: frozenset[str]) -> Planned:
        started = perf_counter()
        try:
            plan = QueryPlan(None) if granted.fetched is None else self._planner.plan(granted.fetched, labels)
        except (PlanTooLargeError, RecursionError) as exc:
            raise refuse(QUERY_PLAN_COMPLEXITY_EXCEEDED, "The operation is too complex to plan.") from exc
        except PlanningError as exc:
            logger.error("an operation cannot be planned: %s", exc.message)
            raise refuse(VALIDATION_PLANNING_ERROR, exc.message) from exc
        planned = Planned(plan, compile_plan(plan, granted.shape, self._supergraph))
        self._metrics.planned(perf_counter() - started)
        return planned
