"""For the tests of those who write subgraphs: `assert_composes(products=…, reviews=…)`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from router.compose.composition import compose
from router.compose.output import error_report
from router.compose.records import Composition, SubgraphDefinition
from router.compose.supergraph_config import load_supergraph_config


def assert_composes(config: Path | str | None = None, /, **sdls: str) -> Composition:
    """Composes a supergraph.yaml, or subgraphs given as SDL by name, or the first with some replaced by the second.

    Raises AssertionError with the report of what went wrong.
    """
    subgraphs: Mapping[str, SubgraphDefinition] = (
        {subgraph.name: subgraph for subgraph in load_supergraph_config(config)} if config is not None else {}
    )
    replaced = {
        name: SubgraphDefinition(name, subgraphs[name].url if name in subgraphs else "", sdl)
        for name, sdl in sdls.items()
    }
    composition = compose(list({**subgraphs, **replaced}.values()))
    if not composition.ok:
        raise AssertionError(error_report(composition))
    return composition
