"""The SDL committed for composition is the one the code has."""

import importlib
from pathlib import Path

import pytest
import yaml

from common.subgraph.schema import export_sdl

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", list(yaml.safe_load((ROOT / "supergraph.yaml").read_text())["subgraphs"]))
def test_the_committed_sdl_is_current(name: str) -> None:
    schema = importlib.import_module(f"subgraphs.{name}.schema").schema

    assert (ROOT / f"schema/subgraphs/{name}.graphql").read_text() == export_sdl(schema)
