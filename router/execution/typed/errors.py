"""Why something is not done here but by the interpreter."""

from __future__ import annotations


class NotCoveredError(Exception):
    """The plan needs what typed execution does not do; known before anything is sent."""


class SurpriseError(Exception):
    """A subgraph's answer, or what can be sent of it, is not the usual."""
