"""The state folder: one user at a time, secrets for their owner only, all data droppable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.secrets import all_secrets, secrets_of, write_container_environments
from deploy.local.state import Running, StateFolder

RUNNING = Running(
    pid=42,
    url="http://localhost:8080",
    database_url="postgresql:///postgres?host=/sock",
    nats_url="nats://token@127.0.0.1:4222",
    subgraph_urls={"users": "http://127.0.0.1:4001/graphql"},
)


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / ".punnet")


def test_a_second_start_on_the_folder_is_told_who_has_it(folder: StateFolder) -> None:
    with (
        folder.locked(),
        folder.announced(RUNNING),
        pytest.raises(LocalError, match=r"in use: process 42 serves http://localhost:8080"),
        folder.locked(),
    ):
        pass


def test_what_runs_is_known_while_it_runs_and_forgotten_afterwards(folder: StateFolder) -> None:
    assert folder.running() is None
    with folder.locked(), folder.announced(RUNNING):
        assert folder.running() == RUNNING
    assert folder.running() is None


def test_a_holder_that_was_killed_leaves_no_lock_and_counts_as_not_running(folder: StateFolder) -> None:
    program = (
        "import os, signal; from pathlib import Path; from deploy.local.state import Running, StateFolder\n"
        f"folder = StateFolder(Path({str(folder.path)!r}))\n"
        "with folder.locked(), folder.announced(Running(1, 'http://x', '', '', {})):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert (folder.path / "running.json").exists()
    assert folder.running() is None
    with folder.locked():
        assert not (folder.path / "running.json").exists()


def test_a_folder_that_cannot_be_written_is_reported_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(LocalError, match=r"cannot be written: Not a directory\. Set PUNNET_HOME"),
        StateFolder(tmp_path / "file/.punnet").locked(),
    ):
        pass


def test_secrets_are_generated_once_and_only_their_owner_may_read_them(folder: StateFolder) -> None:
    first = all_secrets(folder)
    assert all_secrets(folder) == first
    private = {path.name for path in (folder.path / "secrets").iterdir() if path.stat().st_mode & 0o077}
    assert private == {"jwks.json"}  # public keys


def test_keys_that_sign_tokens_or_open_personal_data_go_to_those_who_need_them(folder: StateFolder) -> None:
    parts = ("router", "users", "orders", "products", "notifications")
    assert {part: sorted(secrets_of(folder, part)) for part in parts} == {
        "router": ["PUNNET_CONTEXT_SECRET", "PUNNET_JWKS", "PUNNET_PAYMENT_PUBLISHABLE_KEY"],
        "users": [
            "PUNNET_CONTEXT_SECRET",
            "PUNNET_EMAIL_INDEX_KEY",
            "PUNNET_JWT_PRIVATE_KEY",
            "PUNNET_PII_KEYS",
        ],
        "orders": ["PUNNET_CONTEXT_SECRET", "PUNNET_PII_KEYS"],
        "products": ["PUNNET_CONTEXT_SECRET"],
        "notifications": ["PUNNET_CONTEXT_SECRET", "PUNNET_PII_KEYS", "PUNNET_PUSH_KEY", "PUNNET_SMS_KEY"],
    }


def test_container_secrets_are_written_once_and_each_kind_gets_its_own(folder: StateFolder) -> None:
    files = {path.stem: path for path in write_container_environments(folder)}
    texts = {name: path.read_text() for name, path in files.items()}
    for name in ("personal", "sandbox"):
        files[name].unlink()  # as if this were the folder of a version that did not write it
    write_container_environments(folder)
    assert {name: path.read_text() for name, path in files.items()} == texts
    assert {name: sorted(line.partition("=")[0] for line in text.splitlines()) for name, text in texts.items()} == {
        "router": ["PUNNET_CONTEXT_SECRET", "PUNNET_PAYMENT_PUBLISHABLE_KEY"],
        "subgraphs": ["DATABASE_URL", "NATS_URL", "PUNNET_CONTEXT_SECRET"],
        "users": [
            "PUNNET_CONTEXT_SECRET",
            "PUNNET_EMAIL_INDEX_KEY",
            "PUNNET_JWT_PRIVATE_KEY",
            "PUNNET_PII_KEYS",
        ],
        "personal": ["PUNNET_PII_KEYS"],
        "payments": ["PUNNET_CONTEXT_SECRET", "PUNNET_PAYMENT_PROVIDER_KEY", "PUNNET_PAYMENT_WEBHOOK_SECRET"],
        "notifications": ["PUNNET_CONTEXT_SECRET", "PUNNET_PII_KEYS", "PUNNET_PUSH_KEY", "PUNNET_SMS_KEY"],
        "sandbox": [
            "DATABASE_URL",
            "PUNNET_PAYMENT_PROVIDER_KEY",
            "PUNNET_PAYMENT_PUBLISHABLE_KEY",
            "PUNNET_PAYMENT_WEBHOOK_SECRET",
            "PUNNET_SANDBOX_MESSAGE_KEY",
            "PUNNET_SANDBOX_VAULT_KEYS",
        ],
        "postgres": ["POSTGRES_PASSWORD"],
        "nats": ["NATS_TOKEN"],
        "grafana": ["GF_SECURITY_ADMIN_PASSWORD"],
    }
    assert {oct(path.stat().st_mode & 0o777) for path in files.values()} == {"0o600"}


def test_reset_drops_data_and_secrets(folder: StateFolder) -> None:
    all_secrets(folder)
    (folder.postgres / "data").mkdir(parents=True)
    folder.drop()
    assert {path.name for path in folder.path.iterdir()} <= {"lock", "logs"}


def test_data_in_use_cannot_be_dropped(folder: StateFolder) -> None:
    with folder.locked(), pytest.raises(LocalError, match="in use"):
        folder.drop()
