"""SQL statements -> `/metrics` and spans of the trace."""

from opentelemetry.trace import Tracer

from common.subgraph.statements import Listener, Statement, statement_source
from common.telemetry import Metrics, record_sql_span


def count_statements(metrics: Metrics, subgraph: str) -> Listener:
    """Listener that feeds `punnet_sql_statements_total` and `punnet_sql_seconds`."""
    statements = metrics.counter(
        "punnet_sql_statements", "SQL statements, transaction control left out.", ("subgraph", "source", "kind")
    )
    seconds = metrics.histogram("punnet_sql_seconds", "Duration of SQL statements.", ("subgraph",)).labels(subgraph)

    def listener(statement: Statement) -> None:
        statements.labels(subgraph, statement_source.get(), statement.kind).inc()
        seconds.observe(statement.elapsed_s)

    return listener


def trace_statements(tracer: Tracer) -> Listener:
    """Listener that records a span per statement of a traced request."""

    def listener(statement: Statement) -> None:
        record_sql_span(tracer, statement.text, elapsed_s=statement.elapsed_s, has_failed=statement.has_failed)

    return listener
