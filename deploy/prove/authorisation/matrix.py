"""Asks every row as every caller, and judges: was it answered, should it have been, and did a secret get out?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from common.auth import ANONYMOUS, CONTEXT_HEADER, sign_context
from common.auth.claims import principal_of
from common.clock import SystemClock
from deploy.local.secrets import secrets_of
from deploy.prove.auditor import Auditor
from deploy.prove.authorisation.entities import ENTITIES, EntityRow
from deploy.prove.authorisation.rows import ROWS, Row
from deploy.prove.authorisation.setting import CALLERS, Person, Setting, logged_in
from deploy.prove.client import Answer, crowd

#: how the router and the subgraphs send somebody away
_SENT_AWAY = {"UNAUTHENTICATED", "FORBIDDEN", "UNAUTHORIZED_FIELD_OR_TYPE", "NOT_FOUND"}
_QUIET_S = 1.5
#: of a subscription that was accepted and has said nothing yet
_QUIET: Mapping[str, Any] = {"data": {"accepted": True}}


@dataclass(frozen=True, slots=True)
class Finding:
    """A cell of the table that is not as it should be."""

    where: str
    caller: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where} as {self.caller}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Verdict:
    cases: int
    findings: tuple[Finding, ...]


async def ask_everything(setting: Setting, auditor: Auditor) -> Verdict:
    findings: list[Finding] = []
    for row in ROWS:
        for caller, letter in zip(CALLERS, row.expected, strict=True):
            answer = await _ask(setting, auditor, row, caller)
            findings += _judge(setting, f"{row.field} {row.about}", caller, letter == "Y", answer, row.is_open)
    for entity in ENTITIES:
        for caller, letter in zip(CALLERS, entity.expected, strict=True):
            answer = await _ask_subgraph(setting, entity, caller)
            where = f"{entity.subgraph} _entities {entity.type} {{ {entity.selection} }}"
            findings += _judge(setting, where, caller, letter == "Y", answer, False)
    for subgraph in setting.market.shop.subgraph_urls:
        findings += await _without_context(setting, subgraph)
    cases = len(CALLERS) * (len(ROWS) + len(ENTITIES)) + len(setting.market.shop.subgraph_urls)
    return Verdict(cases, tuple(findings))


async def _ask(setting: Setting, auditor: Auditor, row: Row, caller: str) -> Mapping[str, Any]:
    known = setting.callers[caller]
    variables = await row.ask(setting, known, auditor)
    if row.field.startswith("Subscription"):
        answer = await _first(setting, row.document, variables, known.token)
        return {"data": None} if row.begins_with_state and answer == _QUIET else answer
    answer = _parsed(await setting.market.crowd.send(row.document, variables, known.token))
    if row.ends_login and known.token:
        setting.callers[caller] = await logged_in(setting.market, known.id, known.email)
    return answer


async def _first(setting: Setting, document: str, variables: Mapping[str, Any], token: str) -> Mapping[str, Any]:
    """The first message of a subscription as an answer; a subscription that is accepted and quiet has `data`."""
    address = setting.market.shop.url.replace("http", "ws", 1) + "/graphql"
    payload = {"authorization": f"Bearer {token}"} if token else {}
    async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        await socket.recv()
        request = {"query": document, "variables": dict(variables)}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": request}))
        try:
            async with asyncio.timeout(_QUIET_S):
                while (message := json.loads(await socket.recv()))["type"] == "ping":
                    await socket.send('{"type":"pong"}')
        except TimeoutError:
            return _QUIET
        except ConnectionClosed as exc:
            return {"data": None, "errors": [{"message": str(exc), "extensions": {"code": "FORBIDDEN"}}]}
    match message["type"]:
        case "next":
            answer: Mapping[str, Any] = message["payload"]
            return answer
        case "error":
            return {"data": None, "errors": message["payload"]}
        case _:
            return {"data": None}


async def _ask_subgraph(setting: Setting, row: EntityRow, caller: str) -> Mapping[str, Any]:
    representation = {"__typename": row.type, **row.key(setting)}
    body = orjson.dumps({"query": row.document, "variables": {"r": [representation]}})
    header = f"{CONTEXT_HEADER}: {_context(setting, setting.callers[caller])}\r\n"
    async with crowd(setting.market.shop.address(row.subgraph), 1) as direct:
        answer = _parsed(await direct.post("/graphql", body, header))
    data = answer.get("data") or {}
    entities = data.get("_entities") or [None]
    return {**answer, "data": {"entity": _seen(entities[0])}}


def _seen(entity: Any) -> Any:
    """None where every field of the selection is null."""
    return entity if isinstance(entity, dict) and any(value is not None for value in entity.values()) else None


def _context(setting: Setting, caller: Person) -> str:
    """What the router would say about them."""
    claims = jwt.decode(caller.token, options={"verify_signature": False}) if caller.token else None
    principal = principal_of(claims) if claims else ANONYMOUS
    secret = secrets_of(setting.market.shop.folder, "orders")["PUNNET_CONTEXT_SECRET"].encode()
    return sign_context(principal, secret=secret, now_s=SystemClock().now().timestamp())


async def _without_context(setting: Setting, subgraph: str) -> list[Finding]:
    async with crowd(setting.market.shop.address(subgraph), 1) as direct:
        answer = await direct.post("/graphql", b'{"query":"{ _entities(representations: []) { __typename } }"}')
    if answer.status == 401:
        return []
    return [Finding(f"{subgraph} _entities", "nobody, without a signed context", f"HTTP {answer.status}")]


def _parsed(answer: Answer) -> Mapping[str, Any]:
    return answer.json()


def _judge(
    setting: Setting, where: str, caller: str, should: bool, answer: Mapping[str, Any], is_open: bool
) -> Iterator[Finding]:
    text = orjson.dumps(answer).decode()
    was = not _is_sent_away(answer) if is_open else _is_answered(answer)
    if should and not was:
        yield Finding(where, caller, f"should be answered, got {text[:400]}")
    if not should:
        if was:
            yield Finding(where, caller, f"should be refused, got {text[:400]}")
        for secret in (*setting.secrets, *setting.catalogue_secrets):
            if secret in text:
                yield Finding(where, caller, f"LEAK of {secret!r} in {text[:400]}")


def _is_sent_away(answer: Mapping[str, Any]) -> bool:
    return bool(_codes(answer) & _SENT_AWAY)


def _is_answered(answer: Mapping[str, Any]) -> bool:
    data = answer.get("data")
    if _is_sent_away(answer) or not data:
        return False
    (value,) = data.values()
    if isinstance(value, dict) and value.get("errors"):
        return False
    return _has_something(value)


def _has_something(value: Any) -> bool:
    """Nulls all the way down, or empty lists below an object, are no answer; an empty list at the root is one."""
    if isinstance(value, dict):
        nodes = [inner for name, inner in value.items() if name != "errors"]
        return not nodes or any(_has_something(inner) if inner != [] else False for inner in nodes)
    if isinstance(value, list):
        return not value or any(_has_something(inner) for inner in value)
    return value is not None and value is not False


def _codes(answer: Mapping[str, Any]) -> set[str]:
    return {str(error.get("extensions", {}).get("code", "")) for error in answer.get("errors") or []}
