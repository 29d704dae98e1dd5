"""Entity fetches with very many representations, as several requests: subgraphs limit how many they take at once.

The executor does not know: it asks once and gets one answer, with the entities in its order. Parts are asked side by
side; each is a call of its own to the layers below. When one of them fails, the whole fetch has failed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Container, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from router.execution.json import MalformedJsonError, dump_json, load_json
from router.transport.model import SubgraphClient, SubgraphRequest, SubgraphResponse

#: in JSON every representation has one, and so may objects inside; the query's own are written otherwise
_TYPE_NAME = b'"__typename":'
_SHORTEST = len('{"__typename":"A"}')
#: response key, if it is not the field's name, and variable
_ENTITIES = re.compile(r"(?:([_A-Za-z]\w*)\s*:\s*)?\b_entities\s*\(\s*representations\s*:\s*\$(\w+)\s*\)")


@dataclass(frozen=True, slots=True)
class SplitLayer:
    """At most `max_count` representations in each `_entities` field of a request."""

    client: SubgraphClient
    max_count: int

    def send(self, request: SubgraphRequest) -> Coroutine[Any, Any, SubgraphResponse]:
        body, most = request.body, self.max_count
        if len(body) < _SHORTEST * most or body.count(_TYPE_NAME) <= most or not _may_be_split(request):
            return self.client.send(request)
        return self._send_parts(request)

    async def _send_parts(self, request: SubgraphRequest) -> SubgraphResponse:
        body = load_json(request.body)
        keys = _response_keys(body)
        lists = _representations(body, keys)
        longest = max(map(len, lists.values()), default=0)
        if longest <= self.max_count:
            return await self.client.send(request)
        starts = range(0, longest, self.max_count)
        parts = [{name: items[start : start + self.max_count] for name, items in lists.items()} for start in starts]
        sent = (dump_json({**body, "variables": {**body["variables"], **part}}) for part in parts)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.client.send(replace(request, body=one))) for one in sent]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        asked = [{key: len(part[name]) for key, name in keys.items() if name in part} for part in parts]
        return _join([task.result() for task in tasks], starts, asked)


def _may_be_split(request: SubgraphRequest) -> bool:
    return request.is_repeatable and request.content_type == "application/json"


def _representations(body: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, list[Any]]:
    """By variable."""
    variables = body.get("variables") or {}
    return {name: variables[name] for name in keys.values() if isinstance(variables.get(name), list)}


def _response_keys(body: Mapping[str, Any]) -> dict[str, str]:
    """Response key of each `_entities` field -> its variable."""
    return {match[1] or "_entities": match[2] for match in _ENTITIES.finditer(body["query"])}


def _join(responses: Sequence[SubgraphResponse], starts: range, asked: Sequence[Mapping[str, int]]) -> SubgraphResponse:
    """One response; `asked` is how many entities each part was asked for by response key. A part that is no usable
    response stands for all: the executor says what is wrong with it."""
    data: dict[str, list[Any]] = {}
    errors: list[Any] = []
    for response, start, counts in zip(responses, starts, asked, strict=True):
        part = _read(response)
        if part is None:
            return response
        found = part.get("data") or dict.fromkeys(counts)
        for key, count in counts.items():
            entities = found.get(key, [])  # there is none where the field is switched off
            if entities is None and part.get("errors"):
                entities = [None] * count  # nulled as a whole: the entities of the other parts are there all the same
            if not isinstance(entities, list):
                return response
            data.setdefault(key, []).extend(entities)
        errors += [_moved(error, start, counts) for error in part.get("errors") or ()]
    return SubgraphResponse(200, dump_json({"data": data, "errors": errors} if errors else {"data": data}))


def _read(response: SubgraphResponse) -> dict[str, Any] | None:
    if not 200 <= response.status < 300:
        return None
    try:
        body = load_json(response.body)
    except MalformedJsonError:
        return None
    usable = isinstance(body, dict) and isinstance(body.get("data"), dict | None)
    return body if usable and isinstance(body.get("errors"), list | None) else None


def _moved(error: Any, by: int, keys: Container[str]) -> Any:
    """The error with its path as if all had been asked at once."""
    match error:
        case {"path": [str(key), int(index), *rest]} if key in keys:
            return {**error, "path": [key, index + by, *rest]}
    return error
