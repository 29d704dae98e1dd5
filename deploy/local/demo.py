"""The demo accounts and tokens for them, so that a first request needs no registration.

`prepare` records them when it adds the demo data: the supervisor shows them without importing the shop.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from common.auth import Principal, TokenSigner, load_private_key
from common.clock import SystemClock
from common.settings import Settings
from deploy.local.errors import LocalError
from deploy.local.secrets import signing_key
from deploy.local.state import StateFolder, write_private


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """What is needed to log in as somebody, and to sign a token without logging in."""

    user_id: str
    email: str
    password: str
    roles: list[str]
    scopes: list[str]

    @property
    def name(self) -> str:
        """The first part of the address."""
        return self.email.partition("@")[0]


def record_demo_logins(folder: StateFolder, logins: list[DemoLogin]) -> None:
    write_private(folder.path / "demo.json", json.dumps([asdict(login) for login in logins]))


def demo_logins(folder: StateFolder) -> list[DemoLogin]:
    """Empty while there is no demo data."""
    path = folder.path / "demo.json"
    return [DemoLogin(**login) for login in json.loads(path.read_text())] if path.exists() else []


def demo_token(folder: StateFolder, name: str, *, lifetime_s: int) -> str:
    """An access token of the account whose address begins with `name`; raises LocalError for an unknown one."""
    by_name = {login.name: login for login in demo_logins(folder)}
    if not by_name:
        raise LocalError("There is no demo data here yet; `make up` adds it.")
    if name not in by_name:
        raise LocalError(f"No demo account {name!r}; there are {', '.join(by_name)}.")
    login = by_name[name]
    signer = TokenSigner(
        load_private_key(signing_key(folder)),
        issuer=Settings.model_fields["jwt_issuer"].default,
        audience=Settings.model_fields["jwt_audience"].default,
        clock=SystemClock(),
        lifetime_s=lifetime_s,
    )
    return signer.sign(Principal(login.user_id, frozenset(login.roles), frozenset(login.scopes))).token
