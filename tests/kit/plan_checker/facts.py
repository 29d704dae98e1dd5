"""What the supergraph says, in the words of the checker."""

from __future__ import annotations

from collections.abc import Iterable

from graphql import (
    is_abstract_type,
)

from router.graph import parse_field_set
from router.operation.model import InlineFragment, Selection
from router.supergraph import Supergraph
from tests.kit.plan_checker.positions import Meaning, meaning

#: field -> what it means and what of it is sent
Sent = dict[str, tuple[Meaning, dict[str, object]] | None]


class Facts:
    """One supergraph under one set of labels, and the list of what is wrong with a plan on it."""

    def __init__(self, supergraph: Supergraph, labels: frozenset[str]) -> None:
        self.supergraph = supergraph
        self.labels = labels
        self.problems: list[str] = []

    def fault(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)

    def is_subtype(self, type_name: str, condition: str) -> bool:
        return type_name == condition or type_name in self.objects(condition)

    def objects(self, type_name: str) -> frozenset[str]:
        named = self.supergraph.schema.type_map.get(type_name)
        if named is not None and is_abstract_type(named):
            return frozenset(t.name for t in self.supergraph.schema.get_possible_types(named))
        return frozenset({type_name})

    def is_resolvable(self, type_name: str, field_name: str, subgraph: str) -> bool:
        info = self.supergraph.types.get(type_name)
        declared = info.fields.get(field_name) if info else None
        joined = declared.by_subgraph.get(subgraph) if declared else None
        if info is None or joined is None:
            return False
        keys = info.by_subgraph[subgraph].keys
        if any(field_name in k.fields.replace("{", " ").replace("}", " ").split() for k in keys):
            return True
        if joined.override_label is not None:
            return (joined.override_label in self.labels) == (joined.override is not None)
        return not (joined.is_external or joined.is_used_overridden)

    def unshared_members(self, type_name: str, field_name: str) -> frozenset[str]:
        """Members of the field's union which not every subgraph that has the field knows. They may be left out: the
        answer must not depend on which of the subgraphs is asked."""
        declared = self.supergraph.types[type_name].fields.get(field_name)
        info = self.supergraph.types.get(declared.type.strip("[]!")) if declared else None
        if declared is None or info is None or not info.members:
            return frozenset()
        members = [known for subgraph, known in info.members.items() if subgraph in declared.by_subgraph]
        return frozenset().union(*members).difference(frozenset.intersection(*members)) if members else frozenset()

    def covers(self, sent: Sent, text: str, type_name: str, subgraph: str) -> bool:
        """Whether a representation holds a field set."""
        return _has_all(sent, parse_field_set(text, type_name, subgraph, self.supergraph.types))


def _has_all(sent: object, selections: Iterable[Selection]) -> bool:
    if not isinstance(sent, dict):
        return False
    for selection in selections:
        if isinstance(selection, InlineFragment):
            continue  # taken only where the type fits; documents and inputs are checked by type already
        if selection.name == "__typename":
            continue
        found = sent.get(selection.name)
        if found is None or found[0] != meaning(selection):
            return False
        if selection.selections and not _has_all(found[1], selection.selections):
            return False
    return True
