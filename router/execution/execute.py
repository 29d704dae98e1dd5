"""Run a compiled plan: fetches as early as their inputs allow, then the answer in the client's shape."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from router.execution.compiled import CompiledPlan, Schedule
from router.execution.complete import Completion, Explained
from router.execution.errors import client_error
from router.execution.generate import DISORDER
from router.execution.model import ExecutionContext, ExecutionResult
from router.execution.response import failed_answer, read_payload
from router.execution.run import Run
from router.transport.errors import StreamRefusedError, TransportError

logger = logging.getLogger(__name__)


async def execute(compiled: CompiledPlan, variables: Mapping[str, Any], context: ExecutionContext) -> ExecutionResult:
    """Answer a query or mutation. `variables` are coerced, with defaults. What goes wrong in subgraphs becomes errors
    of the result; nothing of it is raised."""
    run = Run(variables, context)
    await _run_steps(compiled.schedule, run)
    return _finish(compiled, run)


async def subscribe(
    compiled: CompiledPlan, variables: Mapping[str, Any], context: ExecutionContext
) -> AsyncGenerator[ExecutionResult, None]:
    """Results until the subgraph completes the stream. When it fails, one result with its error is the last.
    Closing the generator closes the upstream at once."""
    step = compiled.subscription
    if step is None:
        raise ValueError("the plan is not a subscription")
    subgraph = step.outgoing.subgraph
    try:
        streams = context.streams.get(subgraph)
        if streams is None:
            raise StreamRefusedError("subscriptions to it are not configured")
        request = step.outgoing.request(Run(variables, context), {})
        async with aclosing(streams.subscribe(request)) as events:
            async for event in events:
                run = Run(variables, context)
                answer = read_payload(event, subgraph)
                step.take(run, answer)
                if answer.data is not None:
                    await _run_steps(compiled.schedule, run)
                yield _finish(compiled, run)
    except TransportError as exc:
        policy = context.error_policy_for(subgraph)
        errors = tuple(client_error(error, None, subgraph, policy) for error in failed_answer(exc, subgraph).errors)
        yield ExecutionResult(None, errors)


async def _run_steps(schedule: Schedule, run: Run) -> None:
    if schedule.is_chain:
        for step in schedule.steps:
            await step.run(run)
        return
    missing = list(schedule.wait_counts)
    first, *others = [index for index, count in enumerate(missing) if count == 0]
    async with asyncio.TaskGroup() as tasks:
        for index in others:
            tasks.create_task(_follow(index, schedule, missing, run, tasks))
        await _follow(first, schedule, missing, run, tasks)


async def _follow(index: int, schedule: Schedule, missing: list[int], run: Run, tasks: asyncio.TaskGroup) -> None:
    """Run a step, then one of those it releases, and so on; others it releases go on beside it. `missing` counts for
    each step those it still waits for."""
    following: int | None = index
    while following is not None:
        done = following
        following = None
        await schedule.steps[done].run(run)
        for other in schedule.waiting[done]:
            missing[other] -= 1
            if missing[other] == 0:
                if following is None:
                    following = other
                else:
                    tasks.create_task(_follow(other, schedule, missing, run, tasks))


def _finish(compiled: CompiledPlan, run: Run) -> ExecutionResult:
    shape = compiled.shape_for(run.variables)
    introspection = compiled.introspection_for(shape, run.variables)
    generated = shape.generated()
    if generated is not None:
        try:
            project = generated.project_shared if run.has_shared else generated.project
            return ExecutionResult(project(run.data, introspection), tuple(run.errors))
        except DISORDER:
            logger.debug("a response is out of order, it is completed step by step")
    completion = Completion(compiled.supergraph_schema, introspection, Explained(run.known_failures))
    data = completion.complete_root(shape.root, run.data)
    return ExecutionResult(data, (*run.errors, *completion.errors))
