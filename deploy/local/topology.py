"""Which processes the shop runs in: one for everything, or one per subgraph with the router in front.

The supergraph is the same in both. In one process the router calls subgraphs as its routing URLs say (`asgi://…`);
split, `override_subgraph_url` in the router's configuration points it at the processes.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.local.children import Program
from deploy.local.errors import LocalError
from deploy.local.examples import write_examples
from deploy.local.secrets import all_secrets, secrets_of
from deploy.local.state import ROOT, StateFolder
from deploy.local.supergraph import SUPERGRAPH, subgraph_names

ROUTER_CONFIG = ROOT / "deploy/router.yaml"

_PUNNET = (sys.executable, "-P", "-m", "deploy.cli")


@dataclass(frozen=True, slots=True)
class Topology:
    """Processes in the order of their start: each group is ready before the next one begins."""

    groups: list[list[Program]]
    subgraph_urls: Mapping[str, str]


def in_one_process(folder: StateFolder, servers: Mapping[str, str], *, host: str, port: int) -> Topology:
    environment = {**servers, **all_secrets(folder)}
    return Topology([[_router(folder, ROUTER_CONFIG, environment, host, port)]], {})


def one_process_each(folder: StateFolder, servers: Mapping[str, str], *, host: str, port: int) -> Topology:
    """Subgraphs listen on loopback, on ports that are free now; each process gets the secrets it needs."""
    ports = {name: free_port() for name in subgraph_names()}
    urls = {name: f"http://127.0.0.1:{number}/graphql" for name, number in ports.items()}
    config = folder.path / "router.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(ROUTER_CONFIG.read_text()), "override_subgraph_url": urls}))
    subgraphs = [
        Program(
            name=name,
            argv=[*_PUNNET, "subgraph", name, "--listen", f"127.0.0.1:{number}"],
            environment={**servers, **secrets_of(folder, name)},
            ready_url=f"http://127.0.0.1:{number}/health/ready",
        )
        for name, number in ports.items()
    ]
    return Topology([subgraphs, [_router(folder, config, secrets_of(folder, "router"), host, port)]], urls)


def check_free(host: str, port: int) -> None:
    """Raises LocalError when somebody else listens there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LocalError(
                f"Port {port} on {host} cannot be used ({error.strerror}). Take another one: make up PORT={port + 1}"
            ) from error


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _router(folder: StateFolder, config: Path, environment: Mapping[str, str], host: str, port: int) -> Program:
    listen = f"{host}:{port}"
    files = ["--supergraph", str(SUPERGRAPH), "--config", str(config)]
    reached_at = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - the wish of whoever gave it
    return Program(
        name="router",
        argv=[*_PUNNET, "router", "serve", *files, "--listen", listen],
        environment={**environment, "PUNNET_EXAMPLES": str(write_examples(folder))},
        ready_url=f"http://{reached_at}:{port}/health/ready",
    )
