"""What `punnet up` does before it starts the shop: demo data on request, and the schema artefacts.

Run as a program, by `python -m deploy.local.prepare [--seed]`, with addresses and secrets in the environment.
"""

from __future__ import annotations

import asyncio
import sys

from common.telemetry import configure_logging
from deploy.local.demo import record_demo_logins
from deploy.local.shop import artefacts, logins, seed, write_stale
from deploy.local.state import state_folder

if __name__ == "__main__":
    configure_logging(service="prepare")
    if "--seed" in sys.argv[1:]:
        asyncio.run(seed())  # which migrates first; without it each subgraph migrates its own at its start
        record_demo_logins(state_folder(), logins())
    for path in write_stale(artefacts()):
        print(f"written: {path}")
