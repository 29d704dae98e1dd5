"""What a fetch sends: prepared as far as it is known before the variables are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from router.execution.json import dump_json
from router.execution.model import ExecutionContext
from router.execution.response import SubgraphAnswer, failed_answer, read_response
from router.operation.model import OperationKind
from router.plan.nodes import BatchFetch, Fetch
from router.transport.errors import TransportError
from router.transport.model import SubgraphRequest


class Sender(Protocol):
    """The part of a run that a request is made of."""

    @property
    def variables(self) -> Mapping[str, Any]: ...

    @property
    def context(self) -> ExecutionContext: ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The request of a fetch, as far as it is known before the variables are."""

    subgraph: str
    head: bytes  #: the JSON body up to the value of `variables`
    constant_body: bytes | None  #: the whole body when no variables are sent
    variables: tuple[str, ...]
    is_repeatable: bool

    @classmethod
    def of(cls, node: Fetch | BatchFetch) -> Outgoing:
        head = b'{"query":' + dump_json(node.operation)
        if node.operation_name is not None:
            head += b',"operationName":' + dump_json(node.operation_name)
        is_constant = isinstance(node, Fetch) and not node.variables and not node.requires
        is_query = isinstance(node, BatchFetch) or node.kind is not OperationKind.MUTATION
        return cls(
            node.service, head + b',"variables":', head + b"}" if is_constant else None, node.variables, is_query
        )

    def request(self, run: Sender, more: Mapping[str, Any]) -> SubgraphRequest:
        body = self.constant_body
        if body is None:
            values, given = dict(more), run.variables
            for name in self.variables:
                if name in given:  # what the client left out, and has no default, is left out again
                    values[name] = given[name]
            body = b"%b%b}" % (self.head, dump_json(values))
        return SubgraphRequest(self.subgraph, body, run.context.headers_for(self.subgraph), self.is_repeatable)

    async def send(self, run: Sender, more: Mapping[str, Any]) -> SubgraphAnswer:
        try:
            response = await run.context.clients[self.subgraph].send(self.request(run, more))
        except TransportError as exc:
            return failed_answer(exc, self.subgraph)
        return read_response(response, self.subgraph)
