"""Every SQL statement of a subgraph passes here, on its way to metrics, traces (`sql_telemetry`) and tests.

asyncpg calls `StatementObserver` after each statement, in the task that ran it, so the current span is its parent.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from asyncpg.connection import LoggedQuery

#: sent by the driver around the work, not part of it
TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")

#: for whom the statements of the current task run: "request", or "background" for relays, consumers and sweepers
statement_source: ContextVar[str] = ContextVar("statement_source", default="background")


@dataclass(frozen=True, slots=True)
class Statement:
    #: SQL text with placeholders, never values
    text: str
    elapsed_s: float
    has_failed: bool

    @property
    def kind(self) -> str:
        """First word in upper case: SELECT, INSERT, WITH …"""
        return self.text.split(None, 1)[0].upper() if self.text.strip() else ""


Listener = Callable[[Statement], None]


# the driver keeps its callbacks in a set: compared by identity
@dataclass(slots=True, eq=False)
class StatementObserver:
    """Tells each listener about each statement, transaction control left out."""

    listeners: list[Listener] = field(default_factory=list)

    def __call__(self, query: LoggedQuery) -> None:
        statement = Statement(query.query, query.elapsed, query.exception is not None)
        if statement.kind.rstrip(";") in TRANSACTION_CONTROL:
            return
        for listener in tuple(self.listeners):
            listener(statement)


@contextmanager
def record_statements(observer: StatementObserver, *, source: str | None = None) -> Iterator[list[Statement]]:
    """The statements run inside the block, by any task or from that source. A statement shows up one turn of the loop
    after its result."""
    statements: list[Statement] = []

    def listen(statement: Statement) -> None:
        if source in (None, statement_source.get()):
            statements.append(statement)

    observer.listeners.append(listen)
    try:
        yield statements
    finally:
        observer.listeners.remove(listen)
