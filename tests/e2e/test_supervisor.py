"""`punnet up` as a process: stops cleanly, says what is wrong, starts again what dies."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx2
import pytest

from deploy.local.process import command_line
from tests.kit.folders import open_folder
from tests.kit.shop_client import customer
from tests.kit.started_shop import StartedShop, child, descendants, started_shop


@pytest.fixture
def own_shop() -> Iterator[StartedShop]:
    """One that a test may do to as it likes."""
    with open_folder() as folder, started_shop(folder, is_split=False) as started:
        yield started


def punnet(shop: StartedShop, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PUNNET_HOME": str(shop.folder)}
    command = [sys.executable, "-P", "-m", "deploy.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_with_status_0(own_shop: StartedShop, signum: signal.Signals) -> None:
    assert own_shop.process is not None
    family = descendants(own_shop.process.pid)
    assert len(family) > 3
    own_shop.process.send_signal(signum)
    assert own_shop.process.wait(120) == 0
    assert [pid for pid in family if command_line(pid)] == []
    assert own_shop.said().endswith("Stopped.\n")
    assert punnet(own_shop, "status").returncode == 1


def test_a_second_signal_ends_everything_at_once_and_the_next_start_works(own_shop: StartedShop) -> None:
    assert own_shop.process is not None
    family = descendants(own_shop.process.pid)
    own_shop.process.send_signal(signal.SIGINT)
    wait_until(lambda: "Stopping" in own_shop.said(), "the first signal was not noticed")
    own_shop.process.send_signal(signal.SIGINT)
    assert own_shop.process.wait(60) in (128 + signal.SIGINT, 0)  # 0: it was quicker than the second signal
    wait_until(lambda: not any(command_line(pid) for pid in family), "something lives on")
    own_shop.start()
    assert _answers(own_shop)


def test_what_dies_is_started_again(own_shop: StartedShop) -> None:
    for words in ("router serve", "nats-server", "bin/postgres"):
        kill_and_wait_for_the_next(own_shop, words)
        wait_until(lambda: can_order(own_shop), f"no order can be placed after the end of {words}")


def can_order(shop: StartedShop) -> bool:
    """Whether router, subgraphs, PostgreSQL and NATS work together at this moment."""

    async def order() -> None:
        async with customer(shop.url) as jo:
            await jo.register_and_log_in()
            (product,) = await jo.products(1)
            assert (await jo.place({product["id"]: 1}))["errors"] == []

    try:
        asyncio.run(order())
    except (AssertionError, httpx2.TransportError, ValueError):
        return False
    return True


def kill_and_wait_for_the_next(shop: StartedShop, words: str) -> None:
    before = child(shop, words)
    assert before, words
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: child(shop, words) not in (0, before), f"{words} was not started again")


def test_a_second_start_on_the_same_data_is_refused_with_the_address_of_the_first(shop: StartedShop) -> None:
    assert shop.process is not None
    second = punnet(shop, "up", "--no-web")
    assert second.returncode == 1
    assert f"is in use: process {shop.process.pid} serves http://localhost:{shop.port}" in second.stderr


def test_a_port_that_is_taken_is_named_before_anything_is_started() -> None:
    with open_folder() as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        second = punnet(StartedShop(folder / "state", port, False), "up", "--port", str(port))
        assert second.returncode == 1
        assert second.stderr == (
            f"✗ Port {port} on 127.0.0.1 cannot be used (Address already in use)."
            f" Take another one: make up PORT={port + 1}\n"
        )


def test_status_shows_what_runs_where(shop: StartedShop) -> None:
    shown = punnet(shop, "status")
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert lines[0].split()[:2] == ["router", f"http://localhost:{shop.port}/graphql"]
    # the router, the sandbox, and the subgraphs where these have addresses
    assert len(lines) == (7 if shop.is_split else 2)
    assert lines[-1].startswith("sandbox ")


def test_an_unknown_demo_account_is_answered_with_the_known_ones(shop: StartedShop) -> None:
    refused = punnet(shop, "token", "mallory")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "there are admin, support, catalog, alice, bob" in refused.stderr


def _answers(shop: StartedShop) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", shop.port)) == 0
