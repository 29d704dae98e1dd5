"""Scheduled fetch -> step: one fetch of a plan, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.execution.collect import compile_collector
from router.execution.entity_step import EntityEntry, EntityStep
from router.execution.merge import Merging
from router.execution.outgoing import Outgoing
from router.execution.reentry_step import ReentryStep
from router.execution.representations import RepresentationWriter
from router.execution.root_step import RootStep
from router.execution.run import Run
from router.execution.running import Step
from router.execution.schedule import ScheduledFetch
from router.operation.model import Guard
from router.plan.nodes import BatchFetch, ContextRewrite, EntityBatch, Fetch
from router.supergraph.model import Supergraph


def compile_step(fetch: ScheduledFetch, supergraph: Supergraph) -> Step[Run]:
    step = _compile_fetch(fetch, supergraph)
    return GuardedStep(fetch.guards, step) if fetch.guards else step


def _compile_fetch(fetch: ScheduledFetch, supergraph: Supergraph) -> Step[Run]:
    node = fetch.node
    if isinstance(node, Fetch) and not node.requires:
        return ReentryStep.of(node, fetch.path, supergraph) if fetch.path else RootStep.of(node, supergraph)
    target = supergraph.subgraphs[node.service].schema
    if isinstance(node, BatchFetch):
        entries: Sequence[EntityBatch] = node.entries
        context_rewrites: tuple[ContextRewrite, ...] = ()
    else:
        context_rewrites = node.context_rewrites
        entries = [
            EntityBatch(
                alias="_entities",
                variable="representations",
                paths=(fetch.path,),
                requires=node.requires,
                input_rewrites=node.input_rewrites,
                output_rewrites=node.output_rewrites,
            )
        ]
    return EntityStep(
        Outgoing.of(node),
        node.operation,
        tuple(
            EntityEntry(
                alias=entry.alias,
                variable=entry.variable,
                collectors=tuple(compile_collector(path, supergraph.schema) for path in entry.paths),
                writer=RepresentationWriter(entry.requires, entry.input_rewrites, supergraph.schema, target),
                merging=Merging.of(entry.output_rewrites, supergraph),
                include_if=entry.include_if,
            )
            for entry in entries
        ),
        context_rewrites,
    )


@dataclass(frozen=True, slots=True)
class GuardedStep:
    guards: tuple[Guard, ...]
    step: Step[Run]

    async def run(self, run: Run) -> None:
        if all(bool(run.variables.get(guard.variable)) == guard.expected for guard in self.guards):
            await self.step.run(run)
