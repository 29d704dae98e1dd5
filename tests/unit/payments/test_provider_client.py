"""Which answers say that something cannot be done, and which say nothing about it."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.trace import NoOpTracer

from common.clock import SystemClock
from subgraphs.payments.errors import ProviderRefused, ProviderUnavailable
from subgraphs.payments.service.provider.client import ProviderClient

pytestmark = pytest.mark.anyio

ERROR = {"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}}


async def refunded(status: int) -> str:
    """What becomes of a refund that is answered so."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(ERROR, status=status, headers={"location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/v1/refunds", answer)
    async with TestServer(app) as server:
        client = ProviderClient(
            str(server.make_url("/")), "sk_rotated", timeout_s=60.0, clock=SystemClock(), tracer=NoOpTracer()
        )
        try:
            await client.post("/v1/refunds", "/v1/refunds", {}, "key")
        except ProviderRefused as exc:
            return f"refused: {exc.code}"
        except ProviderUnavailable:
            return "unknown"
        finally:
            await client.close()
    return "done"


@pytest.mark.parametrize("status", [400, 402, 404, 422])
async def test_what_the_provider_says_no_to_is_refused(status: int) -> None:
    assert await refunded(status) == "refused: charge_already_refunded"


@pytest.mark.parametrize("status", [302, 401, 403, 408, 409, 425, 429, 500, 503])
async def test_who_is_not_let_in_or_in_somebodys_way_has_not_been_told_anything_about_money(status: int) -> None:
    assert await refunded(status) == "unknown"
