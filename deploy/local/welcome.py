"""What the terminal shows when the shop is ready: addresses, demo accounts, and a first query to try."""

from __future__ import annotations

from deploy.local.demo import accounts_table
from deploy.local.state import Running, StateFolder
from deploy.local.terminal import Terminal


def welcome(running: Running, folder: StateFolder, terminal: Terminal) -> None:
    lines = [
        "",
        f"Punnet is ready at {running.url}/graphql",
        "",
        f"  GraphiQL          {running.url}/graphql in a browser",
        f"  health, metrics   {running.url}/health  {running.url}/metrics",
        *(f"  {name:<17} {url}" for name, url in running.subgraph_urls.items()),
        f"  logs              {folder.logs}",
        "",
        "  Demo accounts",
        *(f"    {email:<25} {password:<24} {roles}" for email, password, roles in accounts_table()),
        "    a token of one:   .venv/bin/punnet token alice",
        "",
        "  A first query",
        f"    curl -s {running.url}/graphql -H 'content-type: application/json' \\",
        '      -d \'{"query":"{ products(first: 3) { nodes { name price { amount currency } } } }"}\'',
        "",
        "Ctrl-C stops everything.",
        "",
    ]
    terminal.show("\n".join(lines))
