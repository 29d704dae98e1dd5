"""What can go wrong on this machine, told so that its owner can act on it."""

from __future__ import annotations


class LocalError(Exception):
    """A start that cannot go on. The text is for the person at the terminal: what happened and what to do next."""
