"""A root fetch below the root: a field gave back the query type (`mutation { save { query { user { name } } } }`).

One request; every object at the path gets the same data. Nothing is sent when no object is there.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.execution.collect import Collector, compile_collector
from router.execution.errors import response_path
from router.execution.merge import Merging, copy_json, merge_into
from router.execution.outgoing import Outgoing
from router.execution.run import Run
from router.plan.nodes import Fetch, FlattenPath
from router.supergraph.model import Supergraph


@dataclass(frozen=True, slots=True)
class ReentryStep:
    outgoing: Outgoing
    merging: Merging
    collector: Collector

    @classmethod
    def of(cls, node: Fetch, path: FlattenPath, supergraph: Supergraph) -> ReentryStep:
        collector = compile_collector(path, supergraph.schema)
        return cls(Outgoing.of(node), Merging.of(node.output_rewrites, supergraph), collector)

    async def run(self, run: Run) -> None:
        places = [(path, line[-1]) for path, line in self.collector.collect_with_paths(run.data)]
        if not places:
            return
        answer = await self.outgoing.send(run, {})
        if answer.data is not None:
            self.merging.rewrite(answer.data)
            for _, target in places:
                merge_into(target, copy_json(answer.data), self.merging.abstract_names)
        for error in answer.errors:
            below = self.merging.client_path(response_path(error.get("path")))
            if not below:  # it is about the whole request: once
                run.known_failures.extend(path for path, _ in places)
            for path, _ in places if below else places[:1]:
                run.add_error(error, (*path, *below), self.outgoing.subgraph)
