"""Satisfiability: whether every query the API allows can be answered by the subgraphs."""

from router.compose.satisfiability.search import check_satisfiability

__all__ = ["check_satisfiability"]
