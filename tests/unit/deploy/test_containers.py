"""The container files agree with each other and with what the code exports; their syntax is checked by .ci/run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from router.config import parse_config

ROOT = Path(__file__).resolve().parents[3]


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


SUBGRAPHS = list(load("supergraph.yaml")["subgraphs"])
COMPOSE = load("compose.yaml")


def test_every_subgraph_has_a_container_that_the_router_and_prometheus_find() -> None:
    commands = {name: COMPOSE["services"][name]["command"] for name in SUBGRAPHS}
    assert commands == {name: ["subgraph", name, "--listen", "0.0.0.0:8080"] for name in SUBGRAPHS}
    urls = {name: f"http://{name}:8080/graphql" for name in SUBGRAPHS}
    assert load("deploy/router.containers.yaml")["override_subgraph_url"] == urls
    assert COMPOSE["services"]["router"]["depends_on"].keys() == set(SUBGRAPHS)
    jobs = {
        job["job_name"]: job["static_configs"][0]["targets"]
        for job in load("deploy/prometheus/prometheus.yml")["scrape_configs"]
    }
    assert jobs["subgraphs"] == [f"{name}:8080" for name in SUBGRAPHS]


def test_the_router_in_containers_is_configured_as_the_local_one_but_for_addresses_and_scopes() -> None:
    local, contained = load("deploy/router.yaml"), load("deploy/router.containers.yaml")
    del contained["override_subgraph_url"]
    del local["sandbox"]["examples"]
    assert (local["telemetry"]["traces"].pop("scope"), contained["telemetry"]["traces"].pop("scope")) == (
        None,
        "ops:read",
    )
    for config in (local, contained):
        del config["authentication"]["router"]["jwt"]["jwks"][0]["url"]
    assert contained == local


def test_the_router_accepts_both_configurations() -> None:
    environment = {
        "PUNNET_CONTEXT_SECRET": "c" * 64,
        "PUNNET_JWKS": "/keys",
        "PUNNET_EXAMPLES": "/examples.json",
        "PUNNET_PAYMENT_PROVIDER_URL": "http://sandbox",
        "PUNNET_PAYMENT_PUBLISHABLE_KEY": "pk",
    }
    for name in ("router.yaml", "router.containers.yaml"):
        config = parse_config((ROOT / "deploy" / name).read_text(), environment)
        assert config.signed_context is not None


def test_no_image_is_left_to_chance_and_every_mounted_file_exists() -> None:
    images = [service["image"] for service in COMPOSE["services"].values()]
    assert [image for image in images if image != "punnet" and not re.search(r":v?\d", image)] == []
    mounts = [mount for service in COMPOSE["services"].values() for mount in service.get("volumes", [])]
    sources = [mount.split(":")[0] for mount in mounts]
    assert [source for source in sources if source.startswith("./") and not (ROOT / source).exists()] == []
    assert {source for source in sources if not source.startswith("./")} == COMPOSE["volumes"].keys()


def test_only_the_front_is_published_and_on_loopback_only() -> None:
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert ports.keys() == {"router", "sandbox", "jaeger", "prometheus", "grafana"}
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)


def test_everything_the_image_copies_is_let_through_by_dockerignore() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy/Dockerfile").read_text(), flags=re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert [source for source in sources if not (ROOT / source).exists()] == []
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {source.split("/")[0] for source in sources} == let_through


def test_alerts_and_dashboard_ask_for_metrics_that_exist() -> None:
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/punnet.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for group in load("deploy/prometheus/rules.yml")["groups"] for rule in group["rules"]]
    names = {name for text in asked for name in re.findall(r"\b(?:punnet|http|apollo)_[a-z_]+", text)}
    sources = [path.read_text() for room in ("common", "router") for path in (ROOT / room).rglob("*.py")]
    known = {name for text in sources for name in re.findall(r'"((?:punnet|http|apollo)_[a-z_]+)"', text)}
    assert {re.sub(r"_(bucket|count)$", "", name).removesuffix("_total") for name in names} <= {
        name.removesuffix("_total") for name in known
    }
