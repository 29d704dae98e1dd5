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
}


def secret_environment(folder: StateFolder) -> dict[str, str]:
    """Environment variables with all secrets, generating the ones that are missing."""
    return {
        "PUNNET_CONTEXT_SECRET": _secret(folder, "context"),
        "PUNNET_JWT_PRIVATE_KEY": signing_key(folder),
        "PUNNET_JWKS": str(_public_keys(folder)),
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
