"""SIGKILL in the middle of a payment: whoever comes afterwards finishes it, and nobody pays twice."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from subgraphs.users.domain import Role
from tests.integration.payments.test_paying import charges, check_ledger, codes
from tests.kit.commerce import Commerce, database_of, eventually, running_commerce
from tests.kit.subgraph import as_user, fresh_database_name

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]


async def died(postgres_url: str, nats_url: str, names: tuple[str, str, str], failpoint: str) -> tuple[str, str]:
    """Ids of the buyer and the order of a shop that died at the failpoint."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.kit.dying_payment", postgres_url, nats_url, *names),
        cwd=ROOT,
        env={**os.environ, "PUNNET_FAILPOINT": failpoint},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await program.communicate()
    lines = [line for line in output.decode().splitlines() if line.startswith("usr_") or line == "survived"]
    assert (program.returncode, lines[1:]) == (-signal.SIGKILL, []), output.decode()[-2000:]
    buyer, order = lines[0].split()
    return buyer, order


@pytest.mark.parametrize(
    ("failpoint", "refunded_minor"),
    [
        ("payments.claim.after_commit", 0),
        ("payments.authorize.after_call", 0),
        ("payments.settle.after_commit", 0),
        ("payments.capture.after_call", 0),
        ("payments.refund.after_call", 100),
    ],
)
async def test_a_payment_that_was_killed_is_finished_once(
    postgres_url: str, nats_url: str, failpoint: str, refunded_minor: int
) -> None:
    names = (fresh_database_name("products"), fresh_database_name("orders"), fresh_database_name("payments"))
    buyer_id, order_id = await died(postgres_url, nats_url, names, failpoint)
    async with running_commerce(postgres_url, nats_url, names=names) as shop:
        await time_passes(shop)
        again = await shop.pay(as_user(buyer_id, Role.CUSTOMER), order_id, idempotencyKey="k")
        assert codes(again) == []
        expected = "PARTIALLY_REFUNDED" if refunded_minor else "CAPTURED"

        async def statuses() -> list[str]:
            await time_passes(shop)
            return await shop.payment_statuses(order_id)

        await eventually(statuses, [expected])
        await eventually(lambda: shop.status(order_id), "CONFIRMED")
        assert await charges(shop) == [("succeeded", 1726, refunded_minor)]
        assert await database_of(shop.payments).fetch("SELECT kind FROM provider_task") == []
        await check_ledger(shop)


async def time_passes(shop: Commerce) -> None:
    """So that leases and locks of the dead are over."""
    database = database_of(shop.payments)
    await database.fetch("UPDATE provider_task SET next_at = now() WHERE next_at > now()")
    await database.fetch(
        """UPDATE idempotency SET answer = jsonb_set(answer, '{locked_until}', '0') WHERE answer ? 'locked_until'"""
    )
