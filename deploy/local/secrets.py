"""Secrets of this machine: generated at the first start, kept in `.punnet/secrets`, handed on in the environment."""

from __future__ import annotations

import base64
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
    "payment_provider_key": lambda: f"sk_sandbox_{secrets.token_hex(24)}",
    "payment_publishable_key": lambda: f"pk_sandbox_{secrets.token_hex(24)}",
    "payment_webhook_secret": lambda: f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
    "message_provider_key": lambda: f"mk_sandbox_{secrets.token_hex(24)}",
    "sandbox_vault_keys": lambda: f"k1:{secrets.token_hex(32)}",
}


def secrets_of(folder: StateFolder, part: str) -> dict[str, str]:
    """What one process gets, the router or a subgraph: nothing that it does not need."""
    shared = {"PUNNET_CONTEXT_SECRET": _secret(folder, "context")}
    match part:
        case "router":  # checks tokens, signs what subgraphs are told of the caller, and brings cards to the vault
            return shared | {"PUNNET_JWKS": str(_public_keys(folder))} | _vault_key(folder)
        case "users":  # signs tokens, and seals personal data
            return (
                shared
                | _sealing_keys(folder)
                | {
                    "PUNNET_JWT_PRIVATE_KEY": signing_key(folder),
                    "PUNNET_EMAIL_INDEX_KEY": _secret(folder, "email_index_key"),
                }
            )
        case "orders":  # keeps addresses
            return shared | _sealing_keys(folder)
        case "notifications":  # keeps tokens of devices, and is let in by who delivers messages
            return shared | _sealing_keys(folder) | _message_keys(folder)
        case "payments":  # is let in by the provider, and believes what it sends
            return shared | {
                "PUNNET_PAYMENT_PROVIDER_KEY": _secret(folder, "payment_provider_key"),
                "PUNNET_PAYMENT_WEBHOOK_SECRET": _secret(folder, "payment_webhook_secret"),
            }
        case "sandbox":  # stands outside, so it knows nothing of what is shared inside
            return {
                "PUNNET_PAYMENT_PROVIDER_KEY": _secret(folder, "payment_provider_key"),
                "PUNNET_PAYMENT_PUBLISHABLE_KEY": _secret(folder, "payment_publishable_key"),
                "PUNNET_PAYMENT_WEBHOOK_SECRET": _secret(folder, "payment_webhook_secret"),
                "PUNNET_SANDBOX_VAULT_KEYS": _secret(folder, "sandbox_vault_keys"),
                "PUNNET_SANDBOX_MESSAGE_KEY": _secret(folder, "message_provider_key"),
            }
        case _:
            return shared


def all_secrets(folder: StateFolder) -> dict[str, str]:
    """What a process gets in which all parts live."""
    parts = [secrets_of(folder, part) for part in ("router", "users", "payments", "notifications")]
    return {name: value for part in parts for name, value in part.items()}


def _vault_key(folder: StateFolder) -> dict[str, str]:
    """Lets nobody do more than exchange a card for a token."""
    return {"PUNNET_PAYMENT_PUBLISHABLE_KEY": _secret(folder, "payment_publishable_key")}


def _sealing_keys(folder: StateFolder) -> dict[str, str]:
    return {"PUNNET_PII_KEYS": _secret(folder, "pii_keys")}


def _message_keys(folder: StateFolder) -> dict[str, str]:
    key = _secret(folder, "message_provider_key")
    return {"PUNNET_SMS_KEY": key, "PUNNET_PUSH_KEY": key}


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

    Written once: another run adds what is missing and keeps what is there, because the databases know the passwords
    already.
    """
    target = folder.path / "containers"
    password, nats_token = _database_password(target) or secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    servers = {
        "DATABASE_URL": f"postgresql://postgres:{password}@postgres:5432/postgres",
        "NATS_URL": f"nats://{nats_token}@nats:4222",
    }
    environments: Mapping[str, Mapping[str, str]] = {
        # the public keys of tokens it asks the users subgraph for
        "router": secrets_of(folder, "subgraph") | _vault_key(folder),
        "subgraphs": servers | secrets_of(folder, "subgraph"),
        "users": secrets_of(folder, "users"),
        "payments": secrets_of(folder, "payments"),
        "notifications": secrets_of(folder, "notifications"),
        "sandbox": {"DATABASE_URL": servers["DATABASE_URL"], **secrets_of(folder, "sandbox")},
        "personal": _sealing_keys(folder),
        "postgres": {"POSTGRES_PASSWORD": password},
        "nats": {"NATS_TOKEN": nats_token},
        "grafana": {"GF_SECURITY_ADMIN_PASSWORD": secrets.token_urlsafe(12)},
    }
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = {name: target / f"{name}.env" for name in environments}
    # these share passwords: all of them are made at once
    is_whole = all(files[name].exists() for name in ("subgraphs", "postgres", "nats"))
    for name, path in files.items():
        if not (is_whole and path.exists()):
            lines = (f"{variable}={_quoted(value)}\n" for variable, value in environments[name].items())
            write_private(path, "".join(lines))
    return list(files.values())


def _database_password(target: Path) -> str | None:
    """The one PostgreSQL knows already: a file that is added later must name it too."""
    path = target / "postgres.env"
    return path.read_text().partition('"')[2].rpartition('"')[0] if path.exists() else None


def _quoted(value: str) -> str:
    """As Compose reads it: in double quotes, a line break is written as \\n and nothing is expanded behind \\$."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("$", "\\$")
    return f'"{escaped}"'
