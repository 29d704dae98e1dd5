"""What the reader of requests remembers, and what it must not."""

import orjson
import pytest

from router.config import RouterConfig
from router.pipeline.http import HttpRequest
from router.pipeline.reader import RequestReader

pytestmark = pytest.mark.anyio


def request(query: str | None) -> HttpRequest:
    body = orjson.dumps({"query": query, "variables": {"password": "strawberry-fields"}})

    async def read_body(_: int) -> bytes:
        return body

    return HttpRequest("POST", b"", {"content-type": "application/json"}, "", read_body)


async def test_a_query_that_comes_again_is_not_read_again() -> None:
    reader = RequestReader(RouterConfig().limits, RouterConfig().preview_file_uploads)
    assert await reader.read(request("{ me { name } }")) is await reader.read(request("{ me { name } }"))


@pytest.mark.parametrize("query", ["mutation { a }", "fragment F on T { a } mutation M { a }", None])
async def test_what_may_be_a_mutation_is_not_kept_because_of_its_secrets(query: str | None) -> None:
    reader = RequestReader(RouterConfig().limits, RouterConfig().preview_file_uploads)
    first, second = await reader.read(request(query)), await reader.read(request(query))
    assert first == second
    assert first is not second
