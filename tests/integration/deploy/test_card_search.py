"""The search after the suite can fail: a card that is planted is found, wherever tests leave data."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from common.settings import database_url_for
from deploy.prove.cards import search
from tests.kit.card_search import (
    PATTERN,
    require_no_cards_in_databases,
    require_no_cards_in_files,
    require_no_cards_on_pages,
)
from tests.kit.folders import open_folder
from tests.kit.postgres import run_sql

CARD = "4000000000009995"
NAME = "planted_for_the_search"


@pytest.mark.parametrize(
    "kept", [CARD, "4000 0000 0000 9995", CARD.encode().hex(), '{"cvv": "123"}', r"{\"cvc\":\"987\"}", "cvv=123&x=1"]
)
def test_what_tests_pay_with_is_known_in_every_form(kept: str) -> None:
    assert [sighting.where for sighting in search("here", kept.encode(), PATTERN)] == ["here"]


@pytest.mark.parametrize("harmless", ["•••• 9995", "took 123 ms", '"cvc_check": "pass", "zip": "123"', "ecvc123", "1"])
def test_other_data_is_no_card(harmless: str) -> None:
    assert list(search("here", harmless.encode(), PATTERN)) == []


@pytest.fixture
def planted(postgres_url: str) -> Iterator[str]:
    """A server with a card in a database; gone before the search at the end."""
    run_sql(postgres_url, f"CREATE DATABASE {NAME}")
    run_sql(database_url_for(postgres_url, NAME), f"CREATE TABLE t AS SELECT '{CARD}' AS c")
    yield postgres_url
    run_sql(postgres_url, f"DROP DATABASE {NAME} WITH (FORCE)")


def test_a_card_in_a_database_fails_the_run(planted: str) -> None:
    with pytest.raises(AssertionError, match=rf"{NAME} public.t: …\({CARD}\)"):
        require_no_cards_in_databases(planted)
    require_no_cards_in_databases(planted, like="another%")


def test_a_card_in_a_folder_fails_whoever_opened_it() -> None:
    opened = open_folder()
    folder = opened.__enter__()
    (folder / "router.log").write_text(f"paid with {CARD}")
    with pytest.raises(AssertionError, match=r"router.log: …paid with"):
        opened.__exit__(None, None, None)
    assert not folder.exists()


def test_files_of_postgresql_are_searched_as_tables_only(tmp_path: Path) -> None:
    (tmp_path / "data/base").mkdir(parents=True)
    (tmp_path / "data/PG_VERSION").write_text("18")
    (tmp_path / "data/base/1").write_text(CARD)
    require_no_cards_in_files(tmp_path)


def test_a_card_in_a_span_fails_the_run() -> None:
    pages = {"/metrics": "up 1", "/traces?limit=500": '{"traces": [{"trace_id": "a"}]}', "/traces/a": CARD}

    class Router(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages[self.path].encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Router) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(AssertionError, match=f"/traces/a: …{CARD}"):
            require_no_cards_on_pages(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
