"""CPU of one execution without network: a plan run on recorded subgraph answers, the answer written as JSON.

    python -m tests.load.execution_cost SUPERGRAPH QUERY.graphql [--variables JSON]

The subgraphs named in the supergraph must be running: they are asked once, and answered from memory after that.
Prints the least CPU milliseconds of several rounds, with the garbage collector on and off, and what was sent.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
import uvloop

from router.execution.compiled import CompiledPlan, compile_plan
from router.execution.execute import execute
from router.execution.model import ExecutionContext
from router.operation import DocumentLimits, coerce_variables, normalize_operation, parse_document
from router.pipeline.respond import encode_result
from router.planner import Planner
from router.supergraph import load_supergraph
from router.transport.model import SubgraphClient, SubgraphRequest, SubgraphResponse
from router.transport.open_client import TransportPolicy, open_subgraph

ROUNDS = 12
ROUND_S = 0.3


class RecordingClient:
    """Asks once for each body, then answers from memory."""

    def __init__(self, client: SubgraphClient) -> None:
        self._client = client
        self.answers: dict[bytes, SubgraphResponse] = {}

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        answer = self.answers.get(request.body)
        if answer is None:
            answer = self.answers[request.body] = await self._client.send(request)
        return answer


async def least_cpu_ms(compiled: CompiledPlan, variables: Mapping[str, Any], context: ExecutionContext) -> float:
    least = float("inf")
    for _ in range(ROUNDS):
        count, started = 0, time.process_time()
        while time.process_time() - started < ROUND_S / ROUNDS:
            result = await execute(compiled, variables, context)
            encode_result(result)
            count += 1
        least = min(least, (time.process_time() - started) / count)
    return least * 1000


async def main(options: argparse.Namespace) -> None:
    supergraph = load_supergraph(options.supergraph.read_text())
    document = parse_document(options.query.read_text(), DocumentLimits())
    operation = normalize_operation(document, supergraph.api_schema)
    plan = Planner(supergraph).plan(operation)
    variables = coerce_variables(operation, supergraph.api_schema, orjson.loads(options.variables))
    async with AsyncExitStack() as stack:
        clients = {}
        for name, subgraph in supergraph.subgraphs.items():
            opened = await stack.enter_async_context(open_subgraph(subgraph.url, TransportPolicy()))
            clients[name] = RecordingClient(opened.client)
        context = ExecutionContext(clients)
        started = time.process_time()
        compiled = compile_plan(plan, operation, supergraph)
        print(f"{(time.process_time() - started) * 1000:9.3f} ms  compile the plan")
        await execute(compiled, variables, context)
        result = await execute(compiled, variables, context)
        bodies = [(body, answer.body) for client in clients.values() for body, answer in client.answers.items()]
        print(f"{len(bodies):9} subgraph requests, {sum(len(sent) for sent, _ in bodies)} bytes out,", end=" ")
        print(f"{sum(len(got) for _, got in bodies)} bytes in, answer {len(encode_result(result))} bytes")
        print(f"{await least_cpu_ms(compiled, variables, context):9.3f} ms  execute and write")
        gc.collect()
        gc.freeze()
        gc.disable()
        print(f"{await least_cpu_ms(compiled, variables, context):9.3f} ms  the same without garbage collector")
        if result.errors:
            print("errors:", result.errors[:3])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("supergraph", type=Path)
    parser.add_argument("query", type=Path)
    parser.add_argument("--variables", default="{}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(parser.parse_args()))
