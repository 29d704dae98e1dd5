"""R14: the provider's messages come five times, shuffled, some stale, some forged: states equal the provider's."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from collections import Counter

from deploy.prove.scenario import Arena, Scenario, require

AT_ONCE = 20
FAULTS = {"copies": 5, "is_shuffled": True, "stale_ratio": 0.1, "forged_ratio": 0.1}
#: bank transfers are told by webhook only, and so is what became of a charge whose answer was lost
TOKENS = ("tok_bank_transfer", "tok_visa", "tok_bank_transfer_fails")
_COUNTED = re.compile(r'^punnet_payment_webhooks_total{.*outcome="(\w+)".*} (\S+)$', re.MULTILINE)
_PAYMENTS = "SELECT status, method_kind, captured_minor, amount_minor FROM payment"


async def run(arena: Arena) -> str:
    count = arena.number(600, least=9)
    gate = asyncio.Semaphore(AT_ONCE)
    async with arena.market(2 * AT_ONCE) as market:
        product = await market.new_product(count, "10.00")
        await arena.shop.sandbox.faults(webhooks=FAULTS, lose_ratio=0.2, seed=arena.seed)

        async def one(number: int) -> None:
            buyer = arena.shop.buyer()
            async with gate:
                placed = await market.place_surely(buyer, {product: 1}, f"hook-{number}")
                await market.pay_surely(buyer, placed.id, f"hook-{number}", TOKENS[number % len(TOKENS)])

        await asyncio.gather(*(one(number) for number in range(count)))
    await arena.auditor.at_rest(240)
    counted = await asyncio.to_thread(webhooks, arena.shop.address("payments"))
    rows = await arena.evidence.payments.ask(_PAYMENTS)
    statuses = Counter(f"{row['method_kind']} {row['status']}" for row in rows)
    require(counted["accepted"] > 0 and counted["duplicate"] >= counted["accepted"], f"{dict(counted)}")
    require(counted["stale"] > 0 and counted["forged"] > 0, f"bad messages were not counted: {dict(counted)}")
    return f"{count} payments: {dict(statuses)}; webhooks: {dict(counted)}"


def webhooks(address: str) -> Counter[str]:
    """What payments counted, by outcome."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:  # noqa: S310 - our own loopback address
        text = answer.read().decode()
    return Counter({outcome: int(float(value)) for outcome, value in _COUNTED.findall(text)})


SCENARIO = Scenario(
    "R14",
    "Webhook storm",
    "600 payments; each message 5 times, shuffled, 10 % stale, 10 % forged",
    run,
    rest_timeout_s=240,
)
