"""rover's supergraph.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import orjson
import pytest
from graphql import build_schema, introspection_from_schema

from router.compose import SubgraphDefinition, load_supergraph_config
from router.compose.fetch import fetch_sdl
from router.errors import ConfigurationError


def _write(folder: Path, text: str) -> Path:
    path = folder / "supergraph.yaml"
    path.write_text(text)
    return path


def test_schemas_come_from_files_text_and_running_subgraphs(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text("type Query { a: Int }")
    asked: list[tuple[str, Mapping[str, str]]] = []

    def fetch(url: str, headers: Mapping[str, str]) -> str:
        asked.append((url, headers))
        return "type Query { c: Int }"

    path = _write(
        tmp_path,
        """
federation_version: =2.9.0
subgraphs:
  a: {routing_url: "asgi://shop:app", schema: {file: ./a.graphql}}
  b: {routing_url: "http://b/${env.ROOM}", schema: {sdl: "type Query { b: Int }"}}
  c:
    schema:
      subgraph_url: "http://c/graphql"
      introspection_headers: {authorization: "Bearer ${env.TOKEN}", x-pin: "${env.PIN}", x-file: "${file.a.graphql}"}
""",
    )
    assert load_supergraph_config(path, {"ROOM": "graphql", "TOKEN": "t", "PIN": "0123"}, fetch) == (
        SubgraphDefinition("a", "asgi://shop:app", "type Query { a: Int }"),
        SubgraphDefinition("b", "http://b/graphql", "type Query { b: Int }"),
        SubgraphDefinition("c", "http://c/graphql", "type Query { c: Int }"),
    )
    headers = {"authorization": "Bearer t", "x-pin": "0123", "x-file": "type Query { a: Int }"}
    assert asked == [("http://c/graphql", headers)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subgraphs: [", "not YAML"),
        ("", "expected a mapping"),
        ("subgraphs: {}", "subgraphs"),
        ("subgraphs: {a: {routing_url: x, schema: {graphref: x@y, subgraph: a}}}", "GraphOS"),
        ("subgraphs: {a: {routing_ulr: x, schema: {sdl: x}}}", "routing_ulr: unknown key"),
        (
            "subgraphs: {a: {routing_url: x, schema: {sdl: x}}, a: {routing_url: y, schema: {sdl: y}}}",
            "a is there twice",
        ),
        ("subgraphs: {1: {routing_url: x, schema: {sdl: x}}}", "quotes"),
        ("subgraphs: {a: {schema: {subgraph_url: 'ftp://x'}}}", 'subgraph "a" cannot be fetched'),
        ("federation_version: 1\nsubgraphs: {a: {routing_url: x, schema: {sdl: x}}}", "federation_version"),
        ("subgraphs: {a: {schema: {sdl: x}}}", "routing_url is missing"),
        ("subgraphs: {a: {routing_url: x, schema: {}}}", "exactly one of"),
        ("subgraphs: {a: {routing_url: x, schema: {sdl: x, more: y}}}", "more"),
        ("subgraphs: {a: {routing_url: x, schema: {file: missing.graphql}}}", 'subgraph "a"'),
        ("subgraphs: {a: {routing_url: '${env.MISSING}', schema: {sdl: x}}}", "MISSING"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_supergraph_config(_write(tmp_path, text), {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.yaml"):
        load_supergraph_config(tmp_path / "absent.yaml")


class _Subgraph(BaseHTTPRequestHandler):
    """Offers its SDL under /sdl, introspection only under /plain, and nothing elsewhere."""

    def do_POST(self) -> None:
        query = orjson.loads(self.rfile.read(int(self.headers["content-length"])))["query"]
        answer: dict[str, object] | list[str] = {"errors": [{"message": "no"}]}
        if self.path == "/sdl":
            answer = {"data": {"_service": {"sdl": f"# for {self.headers['x-who']}"}}}
        elif self.path == "/plain" and "__schema" in query:
            answer = {"data": introspection_from_schema(build_schema("type Query { a: Int }"))}
        elif self.path == "/odd":
            answer = ["data"]
        body = orjson.dumps(answer)
        self.send_response(200 if "data" in answer else 400)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Subgraph)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_running_subgraph_is_asked_for_its_sdl_then_for_its_types(address: str) -> None:
    assert fetch_sdl(f"{address}/sdl", {"x-who": "me"}) == "# for me"
    assert fetch_sdl(f"{address}/plain", {}) == "type Query {\n  a: Int\n}"


def test_a_subgraph_that_cannot_be_asked_is_named(address: str) -> None:
    for url, problem in (
        (f"{address}/none", "HTTP status 400"),
        (f"{address}/odd", "no JSON object"),
        ("http://127.0.0.1:1/", "refused"),
        ("http://[x/", "IPv6"),
        ("ftp://example.org", "http://"),
    ):
        with pytest.raises(ConfigurationError, match=f"{re.escape(url)}.*{problem}|{problem}.*{re.escape(url)}"):
            fetch_sdl(url, {})
    with pytest.raises(ConfigurationError, match="header"):
        fetch_sdl(f"{address}/sdl", {"x-who": "a\nb"})
