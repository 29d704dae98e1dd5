"""Ports of loopback for processes that are told where to listen before they start."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_ports(count: int, *, besides: int = 0) -> list[int]:
    """That many different ports nobody listens on, none of them `besides`, which is promised already. They are held
    until all are found: asked for one after the other, the system may well give the same port twice."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count + 1)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        found: list[int] = [probe.getsockname()[1] for probe in probes]
    return [port for port in found if port != besides][:count]
