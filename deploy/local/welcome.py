"""What the terminal shows when the shop is ready: addresses, demo accounts, and a first query to try."""

from __future__ import annotations

from deploy.local.demo import demo_logins
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
        *_accounts(folder),
        "",
        "  A first query",
        f"    curl -s {running.url}/graphql -H 'content-type: application/json' \\",
        '      -d \'{"query":"{ products(first: 3) { nodes { name price { amount currency } } } }"}\'',
        "",
        "Ctrl-C stops everything.",
        "",
    ]
    terminal.show("\n".join(lines))


def _accounts(folder: StateFolder) -> list[str]:
    logins = demo_logins(folder)
    if not logins:
        return []
    return [
        "",
        "  Demo accounts",
        *(
            f"    {login.email:<25} {login.password:<24} {', '.join(login.roles).lower().replace('_', ' ')}"
            for login in logins
        ),
        "    a token of one:   .venv/bin/punnet token alice",
    ]
