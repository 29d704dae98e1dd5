"""Why a plan is as it is: what each field could have been taken from, what that would cost, and what decided."""

from router.planner.explain.explanation import Candidate, Choice, Explanation
from router.planner.explain.text import explanation_to_json, print_explanation
from router.planner.explain.walk import explain_choices

__all__ = [
    "Candidate",
    "Choice",
    "Explanation",
    "explain_choices",
    "explanation_to_json",
    "print_explanation",
]
