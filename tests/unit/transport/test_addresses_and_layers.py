"""Routing URLs, and the layers that limit time and repeat."""

import asyncio

import pytest

from common.resilience import TimeLimit
from router.transport.addresses import Address, AsgiAddress, BadAddressError, HttpAddress, UnixAddress, parse_address
from router.transport.errors import ConnectFailedError, ConnectionLostError, RequestTimedOutError
from router.transport.layers import RetryLayer, RetryPolicy, TimeoutLayer
from router.transport.model import SubgraphRequest, SubgraphResponse
from tests.kit.fake_subgraph import FakeSubgraph
from tests.kit.virtual_time import VIRTUAL_TIME

pytestmark = pytest.mark.anyio

QUERY = SubgraphRequest("a", b"{}")
MUTATION = SubgraphRequest("a", b"{}", is_repeatable=False)
AT_ONCE = RetryPolicy(max_attempts=3, base_s=0.0)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://products:4001/graphql", HttpAddress("products", 4001, "/graphql")),
        ("https://products/graphql?v=1", HttpAddress("products", 443, "/graphql?v=1", is_tls=True)),
        ("http://[::1]:4001", HttpAddress("::1", 4001, "/")),
        ("unix:///run/p.sock?path=/graphql", UnixAddress("/run/p.sock", "/graphql")),
        ("unix:///run/p.sock", UnixAddress("/run/p.sock", "/")),
        ("asgi://subgraphs.products.app:create_app", AsgiAddress("subgraphs.products.app", "create_app", "/graphql")),
        ("asgi:mod:Make.app?path=/q", AsgiAddress("mod", "Make.app", "/q")),
    ],
)
def test_a_routing_url_says_where_a_subgraph_is(url: str, address: Address) -> None:
    assert parse_address(url) == address


@pytest.mark.parametrize(
    "url", ["", "products", "ftp://products/", "http://", "http://a:b/", "http://a/ b", "asgi://no_factory", "unix://"]
)
def test_what_is_no_routing_url_is_refused(url: str) -> None:
    with pytest.raises(BadAddressError):
        parse_address(url)


def failing_first(*failures: object) -> FakeSubgraph:
    left = list(failures)
    return FakeSubgraph(lambda body: left.pop(0) if left else {"data": {}})


async def test_a_query_is_repeated_after_a_failure_on_the_way() -> None:
    subgraph = failing_first(ConnectionLostError("gone", before_response=False), SubgraphResponse(503, b""))
    response = await RetryLayer(subgraph, AT_ONCE).send(QUERY)
    assert (response.body, len(subgraph.asked)) == (b'{"data": {}}', 3)


async def test_after_the_last_attempt_the_failure_is_the_answer() -> None:
    subgraph = failing_first(*[SubgraphResponse(503, b"")] * 5)
    assert (await RetryLayer(subgraph, AT_ONCE).send(QUERY)).status == 503
    assert len(subgraph.asked) == 3


async def test_a_mutation_is_repeated_only_when_nothing_was_sent() -> None:
    subgraph = failing_first(ConnectFailedError("no route"), SubgraphResponse(503, b""))
    assert (await RetryLayer(subgraph, AT_ONCE).send(MUTATION)).status == 503
    assert len(subgraph.asked) == 2


async def test_the_failure_of_the_last_attempt_is_raised_as_it_was() -> None:
    subgraph = failing_first(SubgraphResponse(503, b""), *[ConnectFailedError(f"no route {n}") for n in range(4)])
    with pytest.raises(ConnectFailedError, match="no route 1"):
        await RetryLayer(subgraph, AT_ONCE).send(QUERY)
    assert len(subgraph.asked) == 3


def test_pauses_grow_and_are_bounded() -> None:
    policy = RetryPolicy(base_s=0.1, max_pause_s=0.5)
    assert [policy.pause_s(attempt, lambda: 0.5) for attempt in (1, 2, 3, 4)] == [0.1, 0.2, 0.25, 0.25]


@pytest.mark.parametrize("anyio_backend", [VIRTUAL_TIME])
async def test_attempts_share_one_time_limit() -> None:
    never = asyncio.Event()
    answers = iter((SubgraphResponse(503, b""), None))
    slow = FakeSubgraph(lambda body: next(answers) or never.wait())
    with pytest.raises(RequestTimedOutError):
        await RetryLayer(slow, AT_ONCE, timeout_s=0.05).send(QUERY)
    assert len(slow.asked) == 2


async def test_a_slow_subgraph_is_given_up() -> None:
    never = asyncio.Event()
    slow = FakeSubgraph(lambda body: never.wait())
    with pytest.raises(RequestTimedOutError, match=r"no response within 0\.01 s"):
        await TimeoutLayer(slow, TimeLimit(0.01)).send(QUERY)
