"""What a new API schema changes for clients of the old one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from graphql import BreakingChange, DangerousChange, GraphQLError, GraphQLSchema, build_schema, find_schema_changes

from router.errors import ConfigurationError


class Severity(StrEnum):
    BREAKING = "breaking"  #: valid operations can become invalid
    DANGEROUS = "dangerous"  #: valid operations stay valid, but clients can meet something new
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class Change:
    severity: Severity
    kind: str  #: such as FIELD_REMOVED
    description: str

    def __str__(self) -> str:
        return f"{self.severity.upper()} {self.kind}: {self.description}"


def api_changes(old_sdl: str, new_sdl: str) -> list[Change]:
    """Both are API schemas. The worst changes come first. Raises ConfigurationError when a schema is not valid."""
    changes: list[Change] = []
    for change in find_schema_changes(_schema("old", old_sdl), _schema("new", new_sdl)):
        severity = Severity.SAFE
        if isinstance(change, BreakingChange):
            severity = Severity.BREAKING
        elif isinstance(change, DangerousChange):
            severity = Severity.DANGEROUS
        changes.append(Change(severity, change.type.name, change.description))
    order = list(Severity)
    return sorted(changes, key=lambda change: (order.index(change.severity), change.kind, change.description))


def _schema(which: str, sdl: str) -> GraphQLSchema:
    try:
        return build_schema(sdl)
    except (GraphQLError, TypeError) as exc:
        raise ConfigurationError(f"the {which} schema is not GraphQL: {exc}") from exc
