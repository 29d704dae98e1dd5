"""A subgraph that mostly says something wrong: a null, a missing field, another type, an error, no JSON at all."""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import orjson

from router.transport.errors import ConnectFailedError
from router.transport.model import SubgraphClient, SubgraphRequest, SubgraphResponse

_WRONG: tuple[Any, ...] = (None, 5, 2**40, 1.5, 2.0, True, "", "x", [], [None], {}, {"x": 1})
_REMOVED = "removed"
#: nothing that only a reader of it notices, as bad UTF-8: typed plans skip what was not asked for
_MEMBERS = (
    *(b'"__typename":"E0",', b'"__typename":"I0",', b'"id":"twice",', b'"f0":null,', b'"f1":[1.0],', b'"data":{},'),
    *(b'"more":NaN,', b'"more":[{}],', b'"f0":%b,' % (b"9" * 40)),
)


class LyingSubgraph:
    """Wraps a client and lies `lie_count` times in each answer: the same lies to the same document."""

    def __init__(self, client: SubgraphClient, seed: int, lie_count: int) -> None:
        self._client = client
        self._seed = seed
        self._lie_count = lie_count
        self.asked: list[bytes] = []  #: bodies in the order in which they came

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        self.asked.append(request.body)
        response = await self._client.send(request)
        document = orjson.loads(request.body)["query"]
        draw = random.Random(f"{self._seed} {request.subgraph} {document}")  # noqa: S311  # no secret
        if self._lie_count == 0:
            return response
        match draw.randrange(40):
            case 0:
                raise ConnectFailedError("it is not there")
            case 1:
                return SubgraphResponse(200, response.body[: draw.randrange(len(response.body))])
            case 2:
                return SubgraphResponse(draw.choice((204, 404, 500)), response.body)
            case 3:
                return SubgraphResponse(200, orjson.dumps(draw.choice(_WRONG)))
        body = orjson.loads(response.body)
        for _ in range(self._lie_count):
            _lie(body, draw)
        text = orjson.dumps(body)
        return SubgraphResponse(200, _insert(text, draw) if draw.randrange(6) == 0 else text)


def _insert(text: bytes, draw: random.Random) -> bytes:
    """A member that was not asked for, a second time one that was, or what is no JSON."""
    place = draw.choice([number for number, byte in enumerate(text) if byte == ord("{")]) + 1
    return text[:place] + draw.choice(_MEMBERS) + text[place:]


def _lie(body: dict[str, Any], draw: random.Random) -> None:
    if draw.randrange(8) == 0:
        path = draw.choice([way for way, _, _ in _places(body.get("data"), ())] or [()])
        body["errors"] = [{"message": "no", "path": list(path)}]
        return
    places = list(_places(body, ()))
    if not places:
        return
    _, container, key = draw.choice(places)
    wrong = deepcopy(draw.choice((*_WRONG, _REMOVED, _REMOVED)))
    if key == "__typename" and draw.randrange(2):
        wrong = draw.choice(("E0", "E1", "I0", "Nobody"))
    if wrong is not _REMOVED:
        container[key] = wrong
    elif isinstance(container, dict):
        del container[key]
    else:
        container.pop()


def _places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """Every member and item below a value: its path, what it stands in, and where."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key), value, key
        yield from _places(member, (*path, key))
