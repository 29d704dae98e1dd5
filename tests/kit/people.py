"""Customers of a users subgraph in tests: registered, logged in, reading their links."""

import secrets
from dataclasses import dataclass
from typing import Any

import jwt

from common.auth import ANONYMOUS, Principal
from common.auth.claims import principal_of
from common.events import Bus
from subgraphs.users.domain import LinkKind, Role
from tests.kit.subgraph import SubgraphClient, as_user

TOKENS = "accessToken refreshToken deviceToken"
ERRORS = "errors { __typename ... on UserError { path } }"
REGISTER = f"""mutation($input: UserRegisterInput!) {{ userRegister(input: $input) {{
  user {{ id }} tokens {{ {TOKENS} }} {ERRORS} }} }}"""
LOGIN = (
    f"""mutation($input: LoginInput!) {{ login(input: $input) {{ user {{ id }} tokens {{ {TOKENS} }} {ERRORS} }} }}"""
)
REFRESH = f"""mutation($token: String!) {{ tokenRefresh(refreshToken: $token) {{ tokens {{ {TOKENS} }} {ERRORS} }} }}"""

PASSWORD = "a good password"


@dataclass(slots=True)
class Person:
    users: SubgraphClient
    user_id: str
    email: str
    password: str | None
    #: of the registration; empty without a password
    tokens: dict[str, str]

    @property
    def principal(self) -> Principal:
        return as_user(self.user_id, Role.CUSTOMER)

    async def log_in(self, *, password: str | None = None, device_token: str | None = None) -> dict[str, Any]:
        """The payload of login."""
        credentials = {"email": self.email, "password": password or self.password, "deviceToken": device_token}
        payload: dict[str, Any] = (await self.users.data(LOGIN, {"input": credentials}))["login"]
        return payload

    async def can_refresh(self, tokens: dict[str, str]) -> bool:
        answer = (await self.users.data(REFRESH, {"token": tokens["refreshToken"]}))["tokenRefresh"]
        return answer["tokens"] is not None

    async def link(self, bus: Bus, kind: LinkKind) -> dict[str, Any]:
        """What the message with the link is made of. Raises CommandError."""
        return await bus.request("commands.users.link", {"user_id": self.user_id, "kind": kind.value}, timeout_s=60)


async def register(users: SubgraphClient, name: str, *, password: str | None = PASSWORD) -> Person:
    email = f"{name.lower()}.{secrets.token_hex(4)}@example.org"
    account = {"name": name, "email": email, "password": password}
    payload = (await users.data(REGISTER, {"input": account}))["userRegister"]
    assert payload["errors"] == []
    return Person(users, payload["user"]["id"], email, password, payload["tokens"] or {})


async def guess(shop: SubgraphClient, email: str, headers: dict[str, str] | None = None) -> str:
    """How a wrong password is answered: a payload error or a code."""
    body = {"query": LOGIN, "variables": {"input": {"email": email, "password": secrets.token_hex(8)}}}
    sent = shop.headers(ANONYMOUS) | (headers or {})
    answer = (await shop.http.post("/graphql", json=body, headers=sent)).json()
    if "errors" in answer:
        return str(answer["errors"][0]["extensions"]["code"])
    return str(answer["data"]["login"]["errors"][0]["__typename"])


def caller_of(tokens: dict[str, str]) -> Principal:
    """The principal the router finds in the access token."""
    return principal_of(jwt.decode(tokens["accessToken"], options={"verify_signature": False}))


def token_of(link: dict[str, Any]) -> str:
    url: str = link["url"]
    return url.partition("#token=")[2]
