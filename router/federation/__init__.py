"""The vocabulary of Apollo Federation: versions, `@link`, the directives of every specification, field sets.

This room knows the specifications and nothing of schemas; `router.supergraph` and `router.compose` stand on it.
"""
