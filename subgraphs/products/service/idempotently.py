"""A change of staff's, once per key: claim, change and answer are one transaction; a refusal is the answer too."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from common.clock import Clock
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.subgraph.database import Database
from common.subgraph.idempotency import IdempotentRequest, RejectedError, run_idempotent
from subgraphs.products.errors import CatalogueError

#: a change inside the caller's transaction; its answer is JSON
Effect = Callable[[SqlConnection], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Idempotently:
    database: Database
    clock: Clock

    async def run(
        self, operation: str, actor: str, key: str | None, request: Mapping[str, Any], effect: Effect
    ) -> dict[str, Any]:
        """`effect` once per key, or just once without a key; its answer. Raises the refusal of then, too."""

        async def guarded(connection: SqlConnection) -> dict[str, Any]:
            try:
                answer = await effect(connection)
            except CatalogueError as exc:
                raise RejectedError(exc.to_answer()) from exc
            failpoint("products.edit.before_commit")
            return answer

        if key is None:
            async with self.database.transaction() as connection:
                return await effect(connection)
        idempotent = IdempotentRequest(actor, operation, key, request)
        outcome = await run_idempotent(self.database, self.clock, idempotent, guarded)
        failpoint("products.edit.after_commit")
        CatalogueError.raise_if_refused(outcome.answer)
        return outcome.answer
