"""What is wrong with a supergraph SDL that cannot be served.

SupergraphError
├── InvalidSupergraphError   not GraphQL, or not what composition would print     INVALID_FEDERATION_SUPERGRAPH
└── UnsupportedFeatureError  it needs a feature this router does not know         UNSUPPORTED_LINKED_FEATURE
"""

from __future__ import annotations


class SupergraphError(Exception):
    """The router cannot start with this supergraph. `code` is one of the composition error codes."""

    code = "INVALID_FEDERATION_SUPERGRAPH"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidSupergraphError(SupergraphError):
    """The SDL does not parse, or lacks what every supergraph has."""


class UnsupportedFeatureError(SupergraphError):
    """A feature is linked `for: EXECUTION` or `for: SECURITY` which this router would silently ignore."""

    code = "UNSUPPORTED_LINKED_FEATURE"
