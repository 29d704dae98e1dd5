"""What operators see: traces (OpenTelemetry), metrics (Prometheus) and logs (JSON), joined by trace and request ids."""

from common.telemetry.exposition import metrics_endpoint
from common.telemetry.logs import configure_logging
from common.telemetry.metrics import LATENCY_BUCKETS_S, Metrics
from common.telemetry.middleware import ROUTE, TelemetryMiddleware
from common.telemetry.redaction import redact, redact_text
from common.telemetry.ring import TraceRing, use_ring
from common.telemetry.spans import SpanRecord, dump_spans, load_spans
from common.telemetry.sql import record_sql_span
from common.telemetry.tracing import (
    REQUEST_ID_HEADER,
    Telemetry,
    call_headers,
    current_request_id,
    current_traceparent,
    inject_headers,
    mark_failed,
)
from common.telemetry.workers import answering_workers, newest_spans, trace_spans

__all__ = [
    "LATENCY_BUCKETS_S",
    "REQUEST_ID_HEADER",
    "ROUTE",
    "Metrics",
    "SpanRecord",
    "Telemetry",
    "TelemetryMiddleware",
    "TraceRing",
    "answering_workers",
    "call_headers",
    "configure_logging",
    "current_request_id",
    "current_traceparent",
    "dump_spans",
    "inject_headers",
    "load_spans",
    "mark_failed",
    "metrics_endpoint",
    "newest_spans",
    "record_sql_span",
    "redact",
    "redact_text",
    "trace_spans",
    "use_ring",
]
