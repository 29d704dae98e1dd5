"""What `punnet` says to somebody at a terminal: what each verb does, and what to do when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.local.errors import LocalError
from deploy.local.process import tail
from deploy.local.topology import check_free
from deploy.local.web import BUNDLE
from router.server.pages import BUILT_BUNDLE

VERBS = ("up", "status", "reset", "migrate", "seed", "token", "subgraph", "sandbox", "containers", "prove", "router")


def test_every_verb_is_listed_and_says_what_it_does() -> None:
    listed = CliRunner().invoke(app, ["--help"]).stdout
    for verb in VERBS:
        assert f" {verb} " in listed
        assert CliRunner().invoke(app, [verb, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["subgraph", "order"], "No subgraph 'order'; there are users, products, orders, payments, notifications."),
        (["subgraph", "orders", "--listen", "4003"], "--listen 4003: expected HOST:PORT, such as 127.0.0.1:4001"),
        (["sandbox", "--listen", ":x"], "--listen :x: expected HOST:PORT, such as 127.0.0.1:4001"),
        (
            ["up", "--workers", "2"],
            "--workers needs --split: what lives in one process cannot be shared among several.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(arguments: list[str], said: str) -> None:
    assert str(CliRunner().invoke(app, arguments).exception) == said


@pytest.mark.parametrize("part", [["subgraph", "users"], ["sandbox"]])
def test_settings_that_are_missing_or_wrong_are_told_by_the_names_of_their_variables(part: list[str]) -> None:
    command = [sys.executable, "-P", "-m", "deploy.cli", *part, "--listen", "127.0.0.1:0"]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PUNNET_")}
    ended = subprocess.run(command, env=ours, capture_output=True, text=True, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    missing = "PUNNET_CONTEXT_SECRET" if part[0] == "subgraph" else "PUNNET_PAYMENT_PROVIDER_KEY"
    assert f"  {missing}: Field required\n" in ended.stderr
    wrong = subprocess.run(
        command, env=ours | {"PUNNET_LOG_LEVEL": "loud"}, capture_output=True, text=True, check=False
    )
    assert "  PUNNET_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'\n" in wrong.stderr


def test_an_address_of_another_machine_is_not_taken_for_a_port_in_use() -> None:
    with pytest.raises(LocalError, match=r"192\.0\.2\.1 cannot be used \(.*\)\. See --host\.$"):
        check_free("192.0.2.1", 8080)


def test_a_long_line_of_a_log_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "router.log"
    log.write_text("first\n" + 5000 * "x" + "\nlast\n")
    assert tail(log, lines=2) == 400 * "x" + " …\nlast"


def test_the_router_finds_the_pages_where_they_are_built_in_whatever_folder_it_starts() -> None:
    assert (BUILT_BUNDLE, BUILT_BUNDLE.is_absolute()) == (BUNDLE, True)
