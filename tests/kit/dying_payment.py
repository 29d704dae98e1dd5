"""A shop that dies while money moves: `python -m tests.kit.dying_payment POSTGRES NATS PRODUCTS ORDERS PAYMENTS`.

It sells one order, says which, pays it under the key `k`, and gives half of it back. PUNNET_FAILPOINT names the step at
which it dies; it prints `survived` where it does not. Logs go to standard error: the sandbox's thread writes some.
"""

import asyncio
import sys

import structlog

from tests.kit.commerce import STAFF, customer, eventually, running_commerce

REFUND = """mutation($input: RefundCreateInput!) { refundCreate(input: $input) { refund { status } } }"""


async def sell(postgres_url: str, nats_url: str, names: tuple[str, str, str]) -> None:
    async with running_commerce(postgres_url, nats_url, names=names) as shop:
        buyer = customer()
        order = await shop.placed(buyer, await shop.add_product(stock=5))
        print(buyer.subject, order["id"], flush=True)
        paid = await shop.pay(buyer, order["id"], idempotencyKey="k")
        await eventually(lambda: shop.payment_statuses(order["id"]), ["CAPTURED"])
        given = {
            "paymentId": paid["payment"]["id"],
            "idempotencyKey": "r",
            "amount": {"amount": "1.00", "currency": "USD"},
        }
        await shop.payments.data(REFUND, {"input": given}, STAFF)
        print("survived", flush=True)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(sell(sys.argv[1], sys.argv[2], (sys.argv[3], sys.argv[4], sys.argv[5])))
