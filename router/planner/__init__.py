"""Planning: an operation on a query graph becomes a tree of fetches."""

from router.planner.errors import PlanningError, PlanTooLargeError
from router.planner.plan import Planner, plan_operation

__all__ = ["PlanTooLargeError", "Planner", "PlanningError", "plan_operation"]
