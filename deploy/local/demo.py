"""The demo accounts and tokens for them, so that a first request needs no registration."""

from __future__ import annotations

from common.auth import Principal, TokenSigner, load_private_key
from common.clock import SystemClock
from deploy.local.errors import LocalError
from deploy.local.secrets import signing_key
from deploy.local.state import StateFolder
from subgraphs.users.domain import scopes_of
from subgraphs.users.seed import DEMO_ACCOUNTS, DemoAccount
from subgraphs.users.settings import UsersSettings


def demo_token(folder: StateFolder, name: str, *, lifetime_s: int) -> str:
    """An access token of the account whose address begins with `name`; raises LocalError for an unknown one."""
    by_name = {_short_name(account): account for account in DEMO_ACCOUNTS}
    if name not in by_name:
        raise LocalError(f"No demo account {name!r}; there are {', '.join(by_name)}.")
    fields = UsersSettings.model_fields
    signer = TokenSigner(
        load_private_key(signing_key(folder)),
        issuer=fields["jwt_issuer"].default,
        audience=fields["jwt_audience"].default,
        clock=SystemClock(),
        lifetime_s=lifetime_s,
    )
    account = by_name[name]
    roles = frozenset(role.value for role in account.roles)
    return signer.sign(Principal(account.public_id, roles, scopes_of(account.roles))).token


def accounts_table() -> list[tuple[str, str, str]]:
    """(address, password, roles) of each demo account."""
    return [
        (account.email, account.password, ", ".join(role.value.lower().replace("_", " ") for role in account.roles))
        for account in DEMO_ACCOUNTS
    ]


def _short_name(account: DemoAccount) -> str:
    return account.email.partition("@")[0]
