"""A plan that cannot be made is refused with a code, whatever went wrong, and is never a fault of the server."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from common.telemetry import Metrics
from router.errors import RequestError
from router.operation import DocumentLimits
from router.operation.model import Operation
from router.pipeline.authorize import Granted
from router.pipeline.documents import Documents
from router.pipeline.offload import Offload
from router.pipeline.plans import Plans
from router.plan.nodes import QueryPlan
from router.planner import Planner, PlanningError, PlanTooLargeError
from router.supergraph import load_supergraph
from router.telemetry import RouterMetrics
from tests.kit.tiny_subgraph import SUPERGRAPH

pytestmark = pytest.mark.anyio


class FailingPlanner(Planner):
    def __init__(self, failure: Exception) -> None:
        super().__init__(load_supergraph(SUPERGRAPH))
        self._failure = failure

    def plan(self, operation: Operation, labels: frozenset[str] = frozenset()) -> QueryPlan:
        raise self._failure


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (PlanTooLargeError("too many ways"), "QUERY_PLAN_COMPLEXITY_EXCEEDED"),
        (RecursionError(), "QUERY_PLAN_COMPLEXITY_EXCEEDED"),
        (PlanningError("no way"), "VALIDATION_PLANNING_ERROR"),
    ],
)
async def test_a_failure_of_the_planner_has_a_code_and_is_no_http_500(failure: Exception, code: str) -> None:
    supergraph, offload = load_supergraph(SUPERGRAPH), Offload()
    metrics = RouterMetrics(Metrics(CollectorRegistry()))
    plans = Plans(supergraph, FailingPlanner(failure), metrics, offload)
    prepared = await Documents(supergraph.api_schema, DocumentLimits(), 10, offload).prepare("{ count }", None)
    with pytest.raises(RequestError) as refused:
        await plans.plan(prepared, Granted(prepared.operation, prepared.operation), frozenset())
    assert (refused.value.code.name, refused.value.status) == (code, 400)
    offload.close()
