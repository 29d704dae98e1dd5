"""One of several replicas of a consumer, to be killed, stopped and continued.

`python -m tests.kit.replica_process DATABASE_URL NATS_URL DOMAIN`. Prints `ready` when it begins to ask for events and
`handling` when it has the first, and nothing else: it logs to standard error. SIGTERM ends it in good order. The note
of an effect tells how many effects of its aggregate were committed before.
"""

import asyncio
import random
import signal
import sys

import structlog

from common.clock import SystemClock
from common.events import Bus, Consumer, ConsumerRunner, Event, RetryDelays, SqlConnection
from tests.kit.event_database import open_event_database

#: a replica is taken for dead after a third of it
ACK_WAIT_S = 3.0
#: what a stopped replica has in hand cannot be had by another one
_PATIENT = RetryDelays(base_s=0.2, cap_s=1.0, max_attempts=1000)
_EFFECT = "INSERT INTO effect (event_id, note) VALUES ($1, $2) RETURNING id"
_HAD = "SELECT count(*) AS count FROM effect WHERE starts_with(note, $1)"


async def main(database_url: str, nats_url: str, domain: str) -> None:
    is_first = True

    async def handle(connection: SqlConnection, event: Event) -> None:
        nonlocal is_first
        if is_first:
            print("handling", flush=True)
        is_first = False
        (had,) = await connection.execute_query_dict(_HAD, [f"{event.aggregate_id} "])
        await asyncio.sleep(random.uniform(0, 0.02))  # noqa: S311
        note = f"{event.aggregate_id} {event.aggregate_version} after {had['count']}"
        await connection.execute_query_dict(_EFFECT, [event.event_id, note])

    async with open_event_database(database_url, create_tables=False) as database:
        bus = await Bus.connect(nats_url, name="replica")
        consumer = Consumer(f"{domain}-state", (f"{domain}.order.*",), handle, timeout_s=2.0, retry=_PATIENT)
        runner = ConsumerRunner(consumer, bus, database, clock=SystemClock(), ack_wait_s=ACK_WAIT_S)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, runner.stop)
        print("ready", flush=True)
        await runner.run()
        await bus.close()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(*sys.argv[1:]))
