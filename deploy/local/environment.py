"""Addresses and secrets of this machine's shop, put into the environment for a command that works on its data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from deploy.local.secrets import all_secrets
from deploy.local.servers import servers
from deploy.local.state import StateFolder
from deploy.local.terminal import Terminal


@contextmanager
def shop_environment(folder: StateFolder, terminal: Terminal) -> Iterator[None]:
    """Use the servers of a running `punnet up`, or run them for as long as the block lasts.

    What the environment holds already wins; with all of it given, as in a container, the folder is not touched.
    """
    with ExitStack() as stack:
        if not {"DATABASE_URL", "NATS_URL", "PUNNET_CONTEXT_SECRET"} <= os.environ.keys():
            running = folder.running()
            if running is None:
                stack.enter_context(folder.locked())
                addresses = stack.enter_context(servers(folder, terminal)).environment()
            else:
                addresses = {"DATABASE_URL": running.database_url, "NATS_URL": running.nats_url}
            for name, value in {**addresses, **all_secrets(folder)}.items():
                os.environ.setdefault(name, value)
        yield
