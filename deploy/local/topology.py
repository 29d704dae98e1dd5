"""Which processes the shop runs in: one for everything, or one per subgraph with the router in front.

The supergraph is the same in both. In one process the router calls subgraphs as its routing URLs say (`asgi://…`);
split, `override_subgraph_url` in the router's configuration points it at the processes.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.local.children import Program
from deploy.local.errors import LocalError
from deploy.local.examples import write_examples
from deploy.local.ports import free_ports
from deploy.local.secrets import all_secrets, secrets_of
from deploy.local.state import ROOT, StateFolder
from deploy.local.supergraph import SUPERGRAPH, subgraph_names

ROUTER_CONFIG = ROOT / "deploy/router.yaml"
#: where the payments subgraph listens to its provider
WEBHOOK_PATH = "/webhooks/psp"

#: as many as the router keeps unless told otherwise
_TRACES_KEPT = "200"
_PUNNET = (sys.executable, "-P", "-m", "deploy.cli")


@dataclass(frozen=True, slots=True)
class Topology:
    """Processes in the order of their start: each group is ready before the next one begins."""

    groups: list[list[Program]]
    subgraph_urls: Mapping[str, str]
    sandbox_url: str


def in_one_process(folder: StateFolder, servers: Mapping[str, str], *, host: str, port: int) -> Topology:
    webhooks, outside, smtp = [f"127.0.0.1:{free}" for free in free_ports(3, besides=port)]
    sandbox_url, mail = f"http://{outside}", smtp
    sandbox = _sandbox(folder, servers, sandbox_url, mail, f"http://{webhooks}{WEBHOOK_PATH}")
    environment = {
        **servers,
        **all_secrets(folder),
        **_outside(sandbox_url, mail),
        # the router's port is everybody's: webhooks come in by a door of their own
        "PUNNET_PAYMENT_WEBHOOK_LISTEN": webhooks,
    }
    router = _router(folder, ROUTER_CONFIG, environment, host, port, workers=1)
    return Topology([[sandbox], [router]], {}, sandbox_url)


def one_process_each(
    folder: StateFolder, servers: Mapping[str, str], *, host: str, port: int, workers: int = 1
) -> Topology:
    """Subgraphs listen on loopback, on ports that are free now; each process gets the secrets it needs. Subgraphs and
    router have `workers` each."""
    names = subgraph_names()
    outside, smtp, *free = free_ports(2 + len(names), besides=port)
    ports = dict(zip(names, free, strict=True))
    urls = {name: f"http://127.0.0.1:{number}/graphql" for name, number in ports.items()}
    config = folder.path / "router.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(ROUTER_CONFIG.read_text()), "override_subgraph_url": urls}))
    sandbox_url, mail = f"http://127.0.0.1:{outside}", f"127.0.0.1:{smtp}"
    sandbox = _sandbox(folder, servers, sandbox_url, mail, f"http://127.0.0.1:{ports['payments']}{WEBHOOK_PATH}")
    addresses = {**servers, **_outside(sandbox_url, mail)}
    subgraphs = [
        Program(
            name=name,
            argv=[*_PUNNET, "subgraph", name, "--workers", str(workers), "--listen", f"127.0.0.1:{number}"],
            environment={**addresses, **secrets_of(folder, name), "PUNNET_TRACES_KEPT": _TRACES_KEPT},
            ready_url=f"http://127.0.0.1:{number}/health/ready",
        )
        for name, number in ports.items()
    ]
    known = {**secrets_of(folder, "router"), "PUNNET_PAYMENT_PROVIDER_URL": sandbox_url}
    router = _router(folder, config, known, host, port, workers)
    return Topology([[sandbox], subgraphs, [router]], urls, sandbox_url)


def check_free(host: str, port: int) -> None:
    """Raises LocalError when somebody else listens there, or it is no address of this machine."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            is_port = error.errno in (errno.EADDRINUSE, errno.EACCES)
            advice = f"Take another one: make up PORT={8080 if port < 1024 else port + 1}" if is_port else "See --host."
            raise LocalError(f"Port {port} on {host} cannot be used ({error.strerror}). {advice}") from error


def _outside(sandbox_url: str, mail: str) -> dict[str, str]:
    """Where the shop finds the world outside: who pays, who delivers messages, and where links in those lead."""
    return {
        "PUNNET_PAYMENT_PROVIDER_URL": sandbox_url,
        "PUNNET_SMTP_URL": f"smtp://{mail}?starttls=never",
        "PUNNET_SMS_URL": f"{sandbox_url}/v1/sms",
        "PUNNET_PUSH_URL": f"{sandbox_url}/v1/push",
        "PUNNET_ACCOUNT_URL": f"{sandbox_url}/account",
    }


def _sandbox(folder: StateFolder, servers: Mapping[str, str], url: str, mail: str, webhook_url: str) -> Program:
    """The world outside, at `url` on loopback, taking mail at `mail`; it tells `webhook_url` what happens there."""
    return Program(
        name="sandbox",
        argv=[*_PUNNET, "sandbox", "--listen", url.removeprefix("http://")],
        environment={
            "DATABASE_URL": servers["DATABASE_URL"],
            **secrets_of(folder, "sandbox"),
            "PUNNET_SANDBOX_URL": url,
            "PUNNET_SANDBOX_SMTP_LISTEN": mail,
            "PUNNET_SANDBOX_WEBHOOK_URL": webhook_url,
        },
        ready_url=f"{url}/health/ready",
    )


def _router(
    folder: StateFolder, config: Path, environment: Mapping[str, str], host: str, port: int, workers: int
) -> Program:
    listen = f"{host}:{port}"
    files = ["--supergraph", str(SUPERGRAPH), "--config", str(config)]
    reached_at = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - the wish of whoever gave it
    return Program(
        name="router",
        argv=[*_PUNNET, "router", "serve", *files, "--workers", str(workers), "--listen", listen],
        environment={**environment, "PUNNET_EXAMPLES": str(write_examples(folder))},
        ready_url=f"http://{reached_at}:{port}/health/ready",
    )
