"""The embedded PostgreSQL: starts, keeps its data, survives kill -9, lets nobody else in."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.local.errors import LocalError
from deploy.local.postgres import Postgres, reachable_folder
from deploy.local.process import command_line
from tests.kit.folders import open_folder
from tests.kit.postgres import run_sql


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path / "postgres"


@pytest.fixture
def server(folder: Path) -> Iterator[Postgres]:
    server = Postgres(folder, durable=False)
    yield server
    server.kill()


def postmaster_pid(server: Postgres) -> int:
    return int((server.folder / "data/postmaster.pid").read_text().split()[0])


def test_data_is_there_after_a_stop_and_a_start(server: Postgres) -> None:
    run_sql(server.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    assert run_sql(server.start(), "SELECT answer FROM kept") == "42"


def test_a_committed_row_survives_kill_9_of_the_server(folder: Path) -> None:
    first = Postgres(folder)
    run_sql(first.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
    first.kill()
    second = Postgres(folder)
    try:
        assert run_sql(second.start(), "SELECT answer FROM kept") == "42"
    finally:
        second.kill()


def test_lock_files_that_name_a_stranger_do_not_stop_the_start(folder: Path, server: Postgres) -> None:
    killed = Postgres(folder, durable=False)
    sockets = Path(parse_qs(urlsplit(killed.start()).query)["host"][0])
    os.kill(postmaster_pid(killed), signal.SIGKILL)
    for lock in (killed.folder / "data/postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
        lock.write_text("\n".join([str(os.getpid()), *lock.read_text().splitlines()[1:]]))
    assert run_sql(server.start(), "SELECT 1") == "1"
    killed.is_running()  # lets Python forget the process


def test_an_orphan_of_an_earlier_start_is_taken_over(folder: Path, server: Postgres) -> None:
    orphan = Postgres(folder, durable=False)
    orphan.start()
    orphan_pid = postmaster_pid(orphan)
    assert run_sql(server.start(), "SELECT 1") == "1"
    assert not orphan.is_running()
    assert postmaster_pid(server) != orphan_pid


def test_the_server_stops_when_its_supervisor_is_killed(folder: Path, server: Postgres) -> None:
    program = (
        "import sys, time; from pathlib import Path; from deploy.local.postgres import Postgres\n"
        f"Postgres(Path({str(folder)!r}), durable=False).start(); print('up', flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == b"up\n"
    pid = int((folder / "data/postmaster.pid").read_text().split()[0])
    assert "postgres" in command_line(pid)
    supervisor.kill()
    supervisor.communicate()
    deadline = time.monotonic() + 60
    while "postgres" in command_line(pid):
        assert time.monotonic() < deadline, "PostgreSQL outlived its supervisor"
        time.sleep(0.02)
    assert not (folder / "data/postmaster.pid").exists()
    assert run_sql(server.start(), "SELECT 1") == "1"


def test_only_the_owner_may_enter_the_folder_of_the_socket(server: Postgres) -> None:
    (socket_folder,) = parse_qs(urlsplit(server.start()).query)["host"]
    assert stat.S_IMODE(os.stat(socket_folder).st_mode) == 0o700
    assert run_sql(server.url, "SHOW listen_addresses") == ""


def test_acknowledged_commits_are_on_disk_unless_a_test_asks_otherwise(folder: Path) -> None:
    server = Postgres(folder)
    try:
        server.start()
        shown = [run_sql(server.url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]
    finally:
        server.kill()
    assert shown == ["on", "on", "on"]


def test_a_data_folder_that_was_half_created_is_created_anew(server: Postgres) -> None:
    unfinished = server.folder / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    assert run_sql(server.start(), "SELECT 1") == "1"
    assert not unfinished.exists()


def test_data_of_another_major_version_is_refused_with_advice(server: Postgres) -> None:
    (server.folder / "data").mkdir(parents=True)
    (server.folder / "data/PG_VERSION").write_text("17\n")
    with pytest.raises(LocalError, match=r"written by PostgreSQL 17, this is 18. `make reset`"):
        server.start()


def test_the_folder_is_used_where_everybody_may_pass(folder: Path) -> None:
    assert reachable_folder(folder) == folder


def test_it_runs_from_a_private_home_without_opening_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    server = Postgres(home / "postgres", durable=False)
    try:
        assert run_sql(server.start(), "SELECT 1") == "1"
    finally:
        server.kill()
        if server.folder != home / "postgres":  # as root: outside, where the server's account can reach it
            shutil.rmtree(server.folder.parent)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
