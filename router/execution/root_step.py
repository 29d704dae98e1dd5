"""A root fetch: its data is the beginning of the response, its errors have the client's paths already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, InlineFragmentNode, OperationDefinitionNode, SelectionSetNode, parse

from router.execution.collect import ResponsePath
from router.execution.errors import response_path
from router.execution.merge import Merging, merge_into
from router.execution.outgoing import Outgoing
from router.execution.response import SubgraphAnswer
from router.execution.run import Run
from router.plan.nodes import Fetch
from router.supergraph.model import Supergraph


@dataclass(frozen=True, slots=True)
class RootStep:
    outgoing: Outgoing
    merging: Merging
    operation: str

    @classmethod
    def of(cls, node: Fetch, supergraph: Supergraph) -> RootStep:
        return cls(Outgoing.of(node), Merging.of(node.output_rewrites, supergraph), node.operation)

    async def run(self, run: Run) -> None:
        self.take(run, await self.outgoing.send(run, {}))

    def take(self, run: Run, answer: SubgraphAnswer) -> None:
        if answer.data is not None:
            self.merging.rewrite(answer.data)
            merge_into(run.data, answer.data, self.merging.abstract_names)
        elif answer.errors:
            # nulled as a whole: an error at one field explains why its neighbours are missing too
            run.known_failures.extend(self._paths())
        for error in answer.errors:
            path = self.merging.client_path(response_path(error.get("path")))
            run.add_error(error, path, self.outgoing.subgraph) if path else self._add_error(run, error)

    def _add_error(self, run: Run, error: Mapping[str, Any]) -> None:
        """An error without a path is about all that the fetch should have brought."""
        paths = self._paths()
        run.known_failures.extend(paths)
        run.add_error(error, paths[0] if len(paths) == 1 else None, self.outgoing.subgraph)

    def _paths(self) -> list[ResponsePath]:
        """Of the fields the fetch asks for."""
        document = parse(self.operation, no_location=True)
        selections = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode)).selection_set
        return [self.merging.client_path((key,)) for key in dict.fromkeys(_response_keys(selections))]


def _response_keys(selections: SelectionSetNode) -> Iterator[str]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield (node.alias or node.name).value
        elif isinstance(node, InlineFragmentNode):  # for a guard too many to stand on the field
            yield from _response_keys(node.selection_set)
