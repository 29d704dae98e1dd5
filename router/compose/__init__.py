"""Composition: the schemas of subgraphs become one supergraph.

`compose()` is the whole of it; `load_supergraph_config()` reads rover's `supergraph.yaml`.
"""

from router.compose.composition import compose
from router.compose.contract import Contract
from router.compose.records import Composition, CompositionError, Hint, Position, SubgraphDefinition
from router.compose.supergraph_config import load_supergraph_config

__all__ = [
    "Composition",
    "CompositionError",
    "Contract",
    "Hint",
    "Position",
    "SubgraphDefinition",
    "compose",
    "load_supergraph_config",
]
