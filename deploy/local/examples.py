"""The example operations of `schema/examples` as GraphiQL's tabs: query, variables, and a demo account's token.

Beside `<name>.graphql` may stand `<name>.json` with `variables` and `as`, the demo account whose token goes into the
tab's headers. The browser keeps tabs, so the tokens live long; they are this machine's and open demo data only.
"""

from __future__ import annotations

import json
from pathlib import Path

from deploy.local.demo import demo_logins, demo_token
from deploy.local.state import ROOT, StateFolder, write_private

EXAMPLES = ROOT / "schema/examples"
_TOKEN_LIFETIME_S = 30 * 24 * 3600


def write_examples(folder: StateFolder) -> Path:
    """The file that the router's key `sandbox.examples` names."""
    path = folder.path / "examples.json"
    write_private(path, json.dumps([_tab(query, folder) for query in sorted(EXAMPLES.glob("*.graphql"))]))
    return path


def _tab(query: Path, folder: StateFolder) -> dict[str, str]:
    """All three are text, as GraphiQL's editors hold them."""
    beside = query.with_suffix(".json")
    details = json.loads(beside.read_text()) if beside.exists() else {}
    tab = {"query": query.read_text()}
    if variables := details.get("variables"):
        tab["variables"] = json.dumps(variables, indent=2)
    account = details.get("as")
    if account in {login.name for login in demo_logins(folder)}:
        token = demo_token(folder, account, lifetime_s=_TOKEN_LIFETIME_S)
        tab["headers"] = json.dumps({"authorization": f"Bearer {token}"}, indent=2)
    return tab
