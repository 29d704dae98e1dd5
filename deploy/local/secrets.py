"""Secrets of this machine: generated at the first start, kept in `.punnet/secrets`, handed on in the environment."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from common.auth import generate_private_key, key_set, load_private_key
from deploy.local.state import StateFolder, write_private

_GENERATORS: Mapping[str, Callable[[], str]] = {
    "context": lambda: secrets.token_hex(32),
    "token_key.pem": generate_private_key,
    "pii_keys": lambda: f"k1:{secrets.token_hex(32)}",
    "email_index_key": lambda: secrets.token_hex(32),
}


def router_secrets(folder: StateFolder) -> dict[str, str]:
    """What the router gets: it checks tokens and tells the subgraphs who is calling."""
    return {"PUNNET_CONTEXT_SECRET": _secret(folder, "context"), "PUNNET_JWKS": str(_public_keys(folder))}


def subgraph_secrets(folder: StateFolder) -> dict[str, str]:
    """What the subgraphs get: the same, the key that signs tokens, and the keys of personal data."""
    return {
        **router_secrets(folder),
        "PUNNET_JWT_PRIVATE_KEY": signing_key(folder),
        "PUNNET_PII_KEYS": _secret(folder, "pii_keys"),
        "PUNNET_EMAIL_INDEX_KEY": _secret(folder, "email_index_key"),
    }


def signing_key(folder: StateFolder) -> str:
    """The private key of access tokens, PEM."""
    return _secret(folder, "token_key.pem")


def _public_keys(folder: StateFolder) -> Path:
    path = folder.path / "secrets/jwks.json"
    text = key_set(load_private_key(signing_key(folder)))
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path


def _secret(folder: StateFolder, name: str) -> str:
    path = folder.path / "secrets" / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_name(name + ".new")
        write_private(new, _GENERATORS[name]())
        new.replace(path)  # whole or not at all
    return path.read_text()


def write_container_environments(folder: StateFolder) -> list[Path]:
    """Environment files for compose.yaml, one per kind of container, each with what that kind needs.

    Written once: another run keeps what is there, because the databases know the passwords already.
    """
    target = folder.path / "containers"
    password, nats_token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    jwks = {"PUNNET_JWKS": key_set(load_private_key(signing_key(folder)))}
    servers = {
        "DATABASE_URL": f"postgresql://postgres:{password}@postgres:5432/postgres",
        "NATS_URL": f"nats://{nats_token}@nats:4222",
    }
    environments: Mapping[str, Mapping[str, str]] = {
        "router": {**router_secrets(folder), **jwks},
        "subgraphs": {**servers, **subgraph_secrets(folder), **jwks},
        "postgres": {"POSTGRES_PASSWORD": password},
        "nats": {"NATS_TOKEN": nats_token},
        "grafana": {"GF_SECURITY_ADMIN_PASSWORD": secrets.token_urlsafe(12)},
    }
    files = [target / f"{name}.env" for name in environments]
    if not all(path.exists() for path in files):
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, environment in zip(files, environments.values(), strict=True):
            write_private(path, "".join(f"{name}={_quoted(value)}\n" for name, value in environment.items()))
    return files


def _quoted(value: str) -> str:
    """As Compose reads it: in double quotes, a line break is written as \\n and nothing is expanded behind \\$."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("$", "\\$")
    return f'"{escaped}"'
