"""The query plan in the answer's extensions, as Apollo Router gives it: object form and text form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.plan.json import plan_to_json
from router.plan.nodes import QueryPlan
from router.plan.text import print_plan


def wants_plan(headers: Mapping[str, str]) -> str | None:
    """`true`, `dry-run` or None, by the header `Apollo-Expose-Query-Plan`."""
    value = headers.get("apollo-expose-query-plan", "").strip().lower()
    return value if value in ("true", "dry-run") else None


def expose_plan(plan: QueryPlan) -> dict[str, Any]:
    return {"apolloQueryPlan": {"object": plan_to_json(plan), "text": print_plan(plan)}}
