"""A customer of the shop at the other end of HTTP and a WebSocket: the journey, a step per method."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

ADDRESS = {"street": "Lindenallee 7", "city": "Jena", "zip": "07743", "country": "DE"}

REGISTER = """mutation($input: UserRegisterInput!) {
  userRegister(input: $input) { user { id name } errors { __typename ... on UserError { message } } } }"""
LOGIN = """mutation($input: LoginInput!) {
  login(input: $input) { user { id } tokens { accessToken } errors { __typename ... on UserError { message } } } }"""
PRODUCTS = """query($first: Int!, $after: String) {
  products(first: $first, after: $after, sort: PRICE_ASC) {
    nodes { id sku name stockStatus price { amount currency } } pageInfo { endCursor hasNextPage } } }"""
PLACE = """mutation($input: OrderPlaceInput!) {
  orderPlace(input: $input) { order { id number status total { amount currency } }
    errors { __typename ... on UserError { message path } } } }"""
PAY = """mutation($input: PaymentCreateInput!) {
  paymentCreate(input: $input) { payment { id status } errors { __typename ... on UserError { message } } } }"""
ORDER_STATUS = "query($id: ID!) { order(id: $id) { status } }"
STATUS_CHANGED = "subscription($id: ID) { orderStatusChanged(orderId: $id) { id status } }"


class ShopError(AssertionError):
    """GraphQL errors where none were expected."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(str(errors))
        self.is_retryable = all(error["extensions"].get("retryable") for error in errors)


@dataclass(slots=True)
class ShopClient:
    """Asks the router as one caller; `token` is nobody's when empty."""

    url: str
    http: httpx2.AsyncClient
    token: str = ""
    user_id: str = ""
    email: str = field(default_factory=lambda: f"customer-{uuid4().hex[:12]}@punnet.example")

    async def send(self, query: str, variables: dict[str, Any] | None = None) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        body = {"query": query, "variables": variables or {}}
        return await self.http.post(f"{self.url}/graphql", json=body, headers=headers)

    async def ask(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        """The data. Raises ShopError, which fails a test unless it expects it."""
        answer = (await self.send(query, variables)).json()
        if "errors" in answer:
            raise ShopError(answer["errors"])
        return answer["data"]

    async def register_and_log_in(self) -> None:
        password = "a-long-demo-password"
        account = {"name": "Journey Jo", "email": self.email, "password": password}
        registered = (await self.ask(REGISTER, {"input": account}))["userRegister"]
        assert registered["errors"] == []
        await self.log_in(self.email, password)
        assert self.user_id == registered["user"]["id"]

    async def log_in(self, email: str, password: str) -> None:
        self.token = ""  # one from before may have ended, and is refused
        login = (await self.ask(LOGIN, {"input": {"email": email, "password": password}}))["login"]
        assert login["errors"] == []
        self.token, self.user_id = login["tokens"]["accessToken"], login["user"]["id"]

    async def products(self, count: int) -> list[dict[str, Any]]:
        """The cheapest ones that can be bought."""
        found = (await self.ask(PRODUCTS, {"first": 50}))["products"]["nodes"]
        return [product for product in found if product["stockStatus"] == "IN_STOCK"][:count]

    async def place(self, items: dict[str, int], *, key: str = "") -> dict[str, Any]:
        """The payload of orderPlace for quantities by product id."""
        lines = [{"productId": product, "quantity": quantity} for product, quantity in items.items()]
        order = {"items": lines, "shippingAddress": ADDRESS, "idempotencyKey": key or uuid4().hex}
        payload: dict[str, Any] = (await self.ask(PLACE, {"input": order}))["orderPlace"]
        return payload

    async def pay(self, order_id: str, *, method: str = "tok_visa", key: str = "") -> dict[str, Any]:
        """The payload of paymentCreate, with one of the sandbox's payment methods."""
        payment = {"orderId": order_id, "paymentMethodToken": method, "idempotencyKey": key or uuid4().hex}
        payload: dict[str, Any] = (await self.ask(PAY, {"input": payment}))["paymentCreate"]
        return payload

    async def order_status(self, order_id: str) -> str:
        return str((await self.ask(ORDER_STATUS, {"id": order_id}))["order"]["status"])

    async def wait_for_status(self, order_id: str, status: str, *, timeout_s: float = 120.0) -> None:
        deadline = time.monotonic() + timeout_s
        while (seen := await self.order_status(order_id)) != status:
            assert time.monotonic() < deadline, f"order {order_id} is {seen}, not {status}, after {timeout_s:g} s"
            await asyncio.sleep(0.05)

    @asynccontextmanager
    async def statuses(self, order_id: str) -> AsyncIterator[AsyncIterator[str]]:
        """Subscribe to orderStatusChanged; what is yielded gives one status after another."""
        address = f"{self.url.replace('http', 'ws', 1)}/graphql"
        async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            await socket.send(
                json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {self.token}"}})
            )
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            payload = {"query": STATUS_CHANGED, "variables": {"id": order_id}}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))

            async def received() -> AsyncIterator[str]:
                while True:
                    message = json.loads(await asyncio.wait_for(socket.recv(), 60))
                    if message["type"] == "ping":
                        await socket.send('{"type":"pong"}')
                        continue
                    assert message["type"] == "next", message
                    assert "errors" not in message["payload"], message
                    yield message["payload"]["data"]["orderStatusChanged"]["status"]

            yield received()


@asynccontextmanager
async def customer(url: str) -> AsyncIterator[ShopClient]:
    """Somebody who is not logged in yet."""
    async with httpx2.AsyncClient(timeout=30) as http:
        yield ShopClient(url, http)
