"""SQL statements -> `/metrics` and spans of the trace."""

from time import time_ns

from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from common.subgraph.statements import Listener, Statement, statement_source
from common.telemetry import Metrics


def count_statements(metrics: Metrics, subgraph: str) -> Listener:
    """Listener that feeds `punnet_sql_statements_total` and `punnet_sql_seconds`."""
    statements = metrics.counter("punnet_sql_statements_total", "SQL statements", ("subgraph", "source", "kind"))
    seconds = metrics.histogram("punnet_sql_seconds", "Duration of SQL statements", ("subgraph",)).labels(subgraph)

    def listener(statement: Statement) -> None:
        statements.labels(subgraph, statement_source.get(), statement.kind).inc()
        seconds.observe(statement.elapsed_s)

    return listener


def trace_statements(tracer: Tracer) -> Listener:
    """Listener that records a span per statement of a request, after the fact. Values never reach it, only the text."""

    def listener(statement: Statement) -> None:
        if statement_source.get() != "request":
            return
        end_ns = time_ns()
        span = tracer.start_span(
            f"SQL {statement.kind}",
            kind=SpanKind.CLIENT,
            start_time=end_ns - int(statement.elapsed_s * 1e9),
            attributes={"db.system.name": "postgresql", "db.query.text": statement.text},
        )
        if statement.has_failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_ns)

    return listener
