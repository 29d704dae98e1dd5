"""A collector of spans on loopback: OTLP over HTTP, kept in memory, to be looked at by proofs and tests."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class SeenSpan:
    """Ids are hexadecimal; `parent_id` is empty for the root of a trace."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    started_at_ns: int
    ended_at_ns: int


@dataclass(slots=True)
class SpanSink:
    #: what came, decompressed
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def environment(self) -> dict[str, str]:
        """What makes a process send its spans here; nothing while it does not listen."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url} if self.url else {}

    def spans(self, trace_id: str = "") -> list[SeenSpan]:
        """All, or those of one trace."""
        found = [span for body in list(self.bodies) for span in _spans_in(body)]
        return [span for span in found if not trace_id or span.trace_id == trace_id]


def _spans_in(body: bytes) -> Iterator[SeenSpan]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        names = [pair.value.string_value for pair in resource.resource.attributes if pair.key == "service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield SeenSpan(
                    service=names[0] if names else "",
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    started_at_ns=span.start_time_unix_nano,
                    ended_at_ns=span.end_time_unix_nano,
                )


@contextmanager
def span_sink() -> Iterator[SpanSink]:
    """Listens on a free port for as long as the block lasts."""
    sink = SpanSink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sink.bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
