"""Proves a query plan sound, or says where it is not: see `check.py`."""

from tests.kit.plan_checker.check import check_plan

__all__ = ["check_plan"]
