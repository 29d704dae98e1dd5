"""The embedded NATS: needs its token, keeps its streams, survives kill -9."""

from __future__ import annotations

import os
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import nats
import pytest

from deploy.local.nats import Nats


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nats]:
    server = Nats(tmp_path / "nats")
    yield server
    server.kill()


@pytest.mark.anyio
async def test_an_acknowledged_message_survives_kill_9_and_the_address_stays(server: Nats) -> None:
    url = server.start()
    connection = await nats.connect(url)
    stream = connection.jetstream()
    await stream.add_stream(name="KEPT", subjects=["kept.>"])
    await stream.publish("kept.one", b"42")
    await connection.close()
    server.kill()

    assert server.start() == url
    connection = await nats.connect(url)
    message = await connection.jetstream().get_msg("KEPT", 1)
    await connection.close()
    assert message.data == b"42"


@pytest.mark.anyio
async def test_nobody_enters_without_the_token(server: Nats) -> None:
    address = urlsplit(server.start())
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=60) as connection:
        lines = connection.makefile("rwb")
        assert lines.readline().startswith(b"INFO ")
        lines.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
        lines.flush()
        assert lines.readline() == b"-ERR 'Authorization Violation'\r\n"
        lines.close()


@pytest.mark.anyio
async def test_every_acknowledged_message_is_synced_to_disk(server: Nats) -> None:
    server.start()
    assert "sync_interval: always" in (server.folder / "nats.conf").read_text()


@pytest.mark.anyio
async def test_what_stands_in_the_folder_is_readable_by_its_owner_only(server: Nats) -> None:
    server.start()
    assert {oct((server.folder / name).stat().st_mode & 0o777) for name in ("nats.conf", "token")} == {"0o600"}


def test_the_configuration_of_the_container_is_accepted_by_the_server() -> None:
    configuration = Path(__file__).resolve().parents[3] / "deploy/nats/nats.conf"
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    environment = {**os.environ, "NATS_TOKEN": "a-token"}
    checked = subprocess.run([program, "-t", "-c", configuration], env=environment, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
