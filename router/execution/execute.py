"""Run a compiled plan: fetches as early as their inputs allow, then the answer in the client's shape."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from router.execution.compiled import CompiledPlan, ResponseShape
from router.execution.complete import Completion, Explained
from router.execution.errors import client_error
from router.execution.generate import DISORDER
from router.execution.model import ExecutionContext, ExecutionResult
from router.execution.response import failed_answer, read_payload
from router.execution.run import Run
from router.execution.typed.replay import replay
from router.transport.errors import StreamRefusedError, TransportError

logger = logging.getLogger(__name__)


async def execute(compiled: CompiledPlan, variables: Mapping[str, Any], context: ExecutionContext) -> ExecutionResult:
    """Answer a query or mutation. `variables` are coerced, with defaults. What goes wrong in subgraphs becomes errors
    of the result; nothing of it is raised."""
    shape = compiled.shape_for(variables)
    typed = compiled.typed_for(shape)
    if typed is not None:
        typed_run = typed.begin(variables, context)
        await typed.schedule.run(typed_run)
        answer = typed.finish(typed_run, compiled.introspection_for(shape, variables))
        if answer is not None:
            return ExecutionResult(answer)
        logger.debug("a subgraph's answer is unusual, the plan is run step by step")
        context = replay(context, typed_run.outcomes)
    run = Run(variables, context)
    await compiled.schedule.run(run)
    return _finish(compiled, shape, run)


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
                    await compiled.schedule.run(run)
                yield _finish(compiled, compiled.shape_for(variables), run)
    except TransportError as exc:
        policy = context.error_policy_for(subgraph)
        errors = tuple(client_error(error, None, subgraph, policy) for error in failed_answer(exc, subgraph).errors)
        yield ExecutionResult(None, errors)


def _finish(compiled: CompiledPlan, shape: ResponseShape, run: Run) -> ExecutionResult:
    introspection = compiled.introspection_for(shape, run.variables)
    generated = shape.generated()
    if generated is not None:
        try:
            project = generated.project_shared if run.has_shared else generated.project
            return ExecutionResult(project(run.data, introspection), tuple(run.errors))
        except DISORDER:
            logger.debug("a response is out of order, it is completed step by step")
    completion = Completion(compiled.supergraph.schema, introspection, Explained(run.known_failures))
    data = completion.complete_root(shape.root, run.data)
    return ExecutionResult(data, (*run.errors, *completion.errors))
