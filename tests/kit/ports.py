"""Ports for servers that are told theirs before they start."""

import os
import random
import socket
from collections.abc import Iterator


def _untried() -> Iterator[int]:
    """Below those a system gives to whoever asks for any: between the promise and the use of a port nobody takes it.
    Each comes once, and sessions of tests that run side by side begin at different places."""
    begin = random.Random(os.getpid()).randrange(10_000)  # noqa: S311 - no secret
    yield from (20_000 + (begin + number) % 10_000 for number in range(10_000))


_PORTS = _untried()


def free_port() -> int:
    for port in _PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("ten thousand ports were asked for")
