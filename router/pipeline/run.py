"""From a GraphQL request to its result, wherever it came from: the steps between HTTP's beginning and end.

`start` does all that can be refused: persisted query, document, permission, variables, plan. After it, `answer` runs a
query or mutation and `open_stream` a subscription.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from opentelemetry.trace import get_current_span

from router.errors import (
    INTROSPECTION_DISABLED,
    REQUEST_CONCURRENCY_LIMITED,
    SUBSCRIPTION_MAX_LIMIT,
    SUBSCRIPTION_NOT_SUPPORTED,
    UPLOAD_SUBSCRIPTION,
    refuse,
    too_busy,
)
from router.execution.execute import execute, subscribe
from router.execution.model import ExecutionContext, ExecutionResult
from router.operation.model import Operation, OperationKind
from router.pipeline.authenticate import Caller
from router.pipeline.authorize import Granted, authorize, put_nulls, reject, unauthorized_errors
from router.pipeline.documents import Planned, PreparedOperation
from router.pipeline.engine import Engine
from router.pipeline.expose_plan import expose_plan, wants_plan
from router.pipeline.read import GraphQLRequest
from router.pipeline.replays import watch_replays
from router.pipeline.send_uploads import with_uploads

logger = logging.getLogger(__name__)

_PATHS_LOGGED = 20


class Started(Struct, frozen=True):
    """All that running needs."""

    operation: Operation
    granted: Granted
    planned: Planned
    variables: Mapping[str, Any]
    context: ExecutionContext
    extensions: Mapping[str, Any]  #: to be added to every result
    is_dry_run: bool = False  #: the client wants the plan and no data


async def start(engine: Engine, request: GraphQLRequest, caller: Caller, headers: Mapping[str, str]) -> Started:
    """Raises RequestError."""
    text, hash_to_keep = engine.persisted_queries.resolve(request)
    name = request.operation_name
    prepared = engine.documents.known(text, name) or await engine.documents.prepare(text, name)
    if hash_to_keep is not None:
        engine.persisted_queries.keep(hash_to_keep, text)
    _check_allowed(engine, prepared)
    if engine.has_spans:
        _describe(prepared.operation)
    granted = await _authorize(engine, prepared, caller) if engine.has_access_rules else prepared.whole
    variables = prepared.coercion.coerce(request.variables)
    plans, labels = engine.plans, engine.plans.draw_labels()
    planned = plans.known(prepared, granted, labels) or await plans.plan(prepared, granted, labels)
    extensions: dict[str, Any] = {}
    is_dry_run = False
    if engine.shows_plans and (wanted := wants_plan(headers)):
        extensions, is_dry_run = expose_plan(planned.plan), wanted == "dry-run"
    context = engine.context_for(caller, headers)
    if request.uploads is not None:
        if prepared.operation.kind is OperationKind.SUBSCRIPTION:
            raise refuse(UPLOAD_SUBSCRIPTION, "Variables with files are not possible in a subscription.")
        context.clients = with_uploads(context.clients, request.uploads)
    if prepared.operation.kind is OperationKind.MUTATION:
        context.clients = watch_replays(context.clients, extensions)
    return Started(prepared.operation, granted, planned, variables, context, extensions, is_dry_run)


async def answer(engine: Engine, started: Started) -> ExecutionResult:
    """Run a query or mutation to its end. Raises RequestError (503) when its subgraphs are too busy for all of it."""
    if started.is_dry_run:
        return ExecutionResult(None, (), started.extensions)
    result = await execute(started.planned.compiled, started.variables, started.context)
    if result.errors and was_shed(started.operation, result):
        raise too_busy()
    for error in result.errors:
        engine.metrics.failed(str(error.get("extensions", {}).get("code", "NONE")))
    if not started.granted.denied and not started.extensions:
        return result
    return _complete(engine, started, result)


def check_subscription(engine: Engine) -> None:
    """Raises RequestError when no more subscriptions may be opened."""
    limit = engine.config.subscription.max_opened_subscriptions
    if limit is not None and engine.open_subscriptions >= limit:
        raise refuse(SUBSCRIPTION_MAX_LIMIT, "can't open new subscription, limit reached")


async def open_stream(engine: Engine, started: Started) -> AsyncGenerator[ExecutionResult, None]:
    """Results of a subscription, counted while they come."""
    engine.open_subscriptions += 1
    engine.metrics.subscriptions_open(engine.open_subscriptions)
    try:
        async with aclosing(subscribe(started.planned.compiled, started.variables, started.context)) as results:
            async for result in results:
                yield _complete(engine, started, result)
    finally:
        engine.open_subscriptions -= 1
        engine.metrics.subscriptions_open(engine.open_subscriptions)


def was_shed(operation: Operation, result: ExecutionResult) -> bool:
    """No subgraph was sent anything: there is no data, and no other error than those of root fields."""
    for error in result.errors:
        if error["extensions"].get("code") != REQUEST_CONCURRENCY_LIMITED.name or len(error.get("path", ())) > 1:
            return False
    if operation.kind is OperationKind.MUTATION and len(operation.selections) > 1:  # a null may be a result
        return False
    return result.data is None or all(value is None for value in result.data.values())


def _describe(operation: Operation) -> None:
    """The request's span says what was asked."""
    span = get_current_span()
    if span.is_recording():
        span.set_attribute("graphql.operation.type", operation.kind.value)
        if operation.name:
            span.set_attribute("graphql.operation.name", operation.name)


def _check_allowed(engine: Engine, prepared: PreparedOperation) -> None:
    if prepared.has_introspection and not engine.config.supergraph.introspection:
        raise refuse(INTROSPECTION_DISABLED, "introspection has been disabled")
    if prepared.operation.kind is OperationKind.SUBSCRIPTION and not engine.config.subscription.enabled:
        raise refuse(SUBSCRIPTION_NOT_SUPPORTED, "subscriptions are disabled")


async def _authorize(engine: Engine, prepared: PreparedOperation, caller: Caller) -> Granted:
    operation = prepared.operation
    directives = engine.config.authorization.directives
    policies = await engine.policies_for(caller)
    view = engine.access_rules.view_of(caller.principal, policies)
    granted = prepared.grants.get(view)
    if granted is None:
        rules, schema = engine.access_rules, engine.supergraph.api_schema
        granted = authorize(operation, rules, schema, caller.principal, policies)
        prepared.grants.put(view, granted)
    if granted.denied and directives.errors.log:
        paths = ", ".join(".".join(path) for path in granted.denied[:_PATHS_LOGGED])
        logger.info("unauthorized fields or types%s: %s", " (dry run)" if directives.dry_run else "", paths)
    if directives.dry_run:
        return prepared.whole
    if granted.denied and (directives.reject_unauthorized or _is_denied_stream(operation, granted)):
        raise reject(granted.denied)
    return granted


def _is_denied_stream(operation: Operation, granted: Granted) -> bool:
    """A subscription without its one root field: there is nothing a subgraph could be asked for."""
    if operation.kind is not OperationKind.SUBSCRIPTION:
        return False
    return granted.fetched is None or any(len(path) == 1 for path in granted.nulled)


def _complete(engine: Engine, started: Started, result: ExecutionResult) -> ExecutionResult:
    """Add what the pipeline itself has to say: nulls and errors of denied fields, the plan."""
    granted = started.granted
    if not granted.denied:
        return replace(result, extensions={**result.extensions, **started.extensions})
    if granted.fetched is None:
        result = ExecutionResult(None)
    elif isinstance(result.data, dict):
        put_nulls(result.data, granted.nulled)
    errors = [error.as_json() for error in unauthorized_errors(granted.denied)]
    extensions = {**result.extensions, **started.extensions}
    match engine.config.authorization.directives.errors.response:
        case "errors":
            return ExecutionResult(result.data, (*errors, *result.errors), extensions)
        case "extensions":
            return ExecutionResult(result.data, result.errors, {**extensions, "authorizationErrors": errors})
        case "disabled":
            return ExecutionResult(result.data, result.errors, extensions)
