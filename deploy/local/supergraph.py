"""`supergraph.yaml` as the local runner needs it: which subgraphs there are, and where the router calls them."""

from __future__ import annotations

import yaml

from deploy.local.state import ROOT

SUPERGRAPH_CONFIG = ROOT / "supergraph.yaml"
#: what composition makes of it
SUPERGRAPH = ROOT / "schema/supergraph.graphql"


def routing_urls() -> dict[str, str]:
    """subgraph -> its address, as supergraph.yaml names and orders them."""
    subgraphs = yaml.safe_load(SUPERGRAPH_CONFIG.read_text())["subgraphs"]
    return {name: subgraph["routing_url"] for name, subgraph in subgraphs.items()}


def subgraph_names() -> list[str]:
    return list(routing_urls())
