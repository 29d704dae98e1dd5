"""What can go wrong while planning.

PlanningError             no plan exists: the supergraph cannot answer what its API schema offers
└── PlanTooLargeError     a plan may exist, but the bounds of the search were reached
"""

from __future__ import annotations


class PlanningError(Exception):
    """The operation cannot be planned. A supergraph that passed composition's satisfiability check never raises it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PlanTooLargeError(PlanningError):
    """The operation touches so many types and subgraphs that its plan would not be found in reasonable time."""
