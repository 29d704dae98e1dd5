"""`router compose --watch`, as a process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import orjson
import pytest

from tests.kit.watching_composer import watching_composer


class _Subgraph(ThreadingHTTPServer):
    """Answers with `sdl`; with an error while `sdl` is empty; not before `release` is set, if `is_stuck`."""

    sdl = "type Query { live: Int }"
    is_stuck = False

    def __init__(self) -> None:
        self.is_asked, self.release = Event(), Event()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Subgraph

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if self.server.is_stuck:
            self.server.is_asked.set()
            self.server.release.wait(60)
        body = orjson.dumps({"data": {"_service": {"sdl": self.server.sdl}}})
        self.send_response(200 if self.server.sdl else 503)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def subgraph() -> Iterator[_Subgraph]:
    server = _Subgraph()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def _replace(path: Path, text: str) -> None:
    """At once: whoever reads meanwhile finds the old text or the new one."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def _config(folder: Path, *entries: str) -> Path:
    path = folder / "supergraph.yaml"
    _replace(path, "subgraphs:\n" + "".join(f"  {entry}\n" for entry in entries))
    return path


def test_each_change_of_a_schema_is_composed(tmp_path: Path, subgraph: _Subgraph) -> None:
    file, output, api = tmp_path / "a.graphql", tmp_path / "out.graphql", tmp_path / "api.graphql"
    file.write_text("type Query { a: Int }")
    a = "a: {routing_url: 'http://a', schema: {file: a.graphql}}"
    live = f"live: {{schema: {{subgraph_url: 'http://127.0.0.1:{subgraph.server_port}/'}}}}"
    config = _config(tmp_path, a, live)
    with watching_composer(config, "--output", str(output), "--api", str(api)) as composer:
        assert "watching 2 subgraphs: composed, 0 hints in " in composer.says("watching")
        assert api.read_text() == "type Query {\n  a: Int\n  live: Int\n}\n"

        _replace(file, "type Query { a: Missing }")
        said = composer.says("a changed: not composed, 1 error in ")
        assert ("error[E029]" in said, "at a:1:17" in said) == (True, True)
        assert "live: Int" in api.read_text()

        _replace(file, "type Query { b: Int }")
        composer.says("a changed: composed")
        subgraph.sdl = "type Query { more: Int }"
        composer.says("live changed: composed")
        assert api.read_text() == "type Query {\n  b: Int\n  more: Int\n}\n"

        subgraph.sdl = ""
        assert composer.says("trying again").count("HTTP status 503") == 1
        _config(tmp_path, live, "c: {routing_url: 'http://c', schema: {sdl: 'type Query { c: Int }'}}")
        composer.says("c added, a removed: composed")
        assert api.read_text() == "type Query {\n  c: Int\n  more: Int\n}\n"
        assert "http://c" in output.read_text()

        _replace(config, "subgraphs: {")
        composer.says("not YAML")
        assert composer.stop(signal.SIGTERM) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {
        "a.graphql",
        "api.graphql",
        "out.graphql",
        "supergraph.yaml",
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_while_a_subgraph_keeps_it_waiting(tmp_path: Path, subgraph: _Subgraph, number: int) -> None:
    config = _config(tmp_path, f"live: {{schema: {{subgraph_url: 'http://127.0.0.1:{subgraph.server_port}/'}}}}")
    with watching_composer(config) as composer:
        composer.says("watching 1 subgraph: composed")
        subgraph.is_stuck = True
        assert subgraph.is_asked.wait(60)
        assert composer.stop(number) == (0, "")
