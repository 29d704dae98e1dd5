"""An outside check: other routers load supergraphs composed here, and show clients the types of our API schema.

    mkdir npm && cd npm && npm install @apollo/gateway @apollo/server @graphql-hive/gateway graphql
    PYTHONPATH=.. ../.venv/bin/python -m tests.conformance.load_elsewhere [AUDIT]

Run it in the folder that holds those packages. The shop is composed without `@authenticated` and `@requiresScopes`, as
in `tests.conformance.gateway.compare`. AUDIT is a folder of suites of the federation gateway audit, each with
`subgraphs.json` [{name, url}] and `subgraphs/NAME.graphql`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.local.state import ROOT
from router.compose import SubgraphDefinition, compose
from router.supergraph import load_supergraph
from tests.conformance.gateway.compare import supergraph as shop_without_access

_LOADER = Path(__file__).with_name("load_elsewhere.mjs")


def supergraphs(audit: Path | None) -> dict[str, str]:
    """Supergraph SDLs by name: the shop's, and one for each suite."""
    subgraphs = sorted((ROOT / "schema/subgraphs").glob("*.graphql"))
    found = {"shop": shop_without_access({path.stem: f"http://{path.stem}/" for path in subgraphs})}
    for suite in sorted(audit.iterdir()) if audit else ():
        if suite.is_dir():
            definitions = [
                SubgraphDefinition(s["name"], s["url"], (suite / f"subgraphs/{s['name']}.graphql").read_text())
                for s in json.loads((suite / "subgraphs.json").read_text())
            ]
            composition = compose(definitions)
            assert composition.supergraph_sdl is not None, (suite.name, composition.errors)
            found[suite.name] = composition.supergraph_sdl
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("audit", type=Path, nargs="?")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, sdl in supergraphs(options.audit).items():
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps({"supergraph": sdl, "types": sorted(load_supergraph(sdl).api_schema.type_map)}))
        sys.exit(subprocess.run(["node", str(_LOADER), folder], check=False).returncode)


if __name__ == "__main__":
    main()
