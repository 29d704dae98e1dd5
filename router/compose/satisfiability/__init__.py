"""Satisfiability: whether every query the API allows can be answered by the subgraphs."""

from router.compose.satisfiability.search import MOST_OPTIONS, check_satisfiability

__all__ = ["MOST_OPTIONS", "check_satisfiability"]
