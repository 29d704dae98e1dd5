"""What the terminal shows when the shop is ready: addresses, demo accounts, and a first query to try."""

from __future__ import annotations

from deploy.local.demo import demo_logins, demo_token
from deploy.local.state import Running, StateFolder
from deploy.local.terminal import Terminal

_TOKEN_HOURS = 12


def welcome(running: Running, folder: StateFolder, terminal: Terminal) -> None:
    lines = [
        "",
        f"Punnet is ready at {running.url}/graphql",
        "",
        f"  GraphiQL          {running.url}/graphql in a browser",
        f"  REST              {running.url}/api/docs",
        f"  traces            {running.url}/traces",
        f"  health, metrics   {running.url}/health  {running.url}/metrics",
        *(f"  {name:<17} {url}" for name, url in running.subgraph_urls.items()),
        f"  sandbox           {running.sandbox_url}  payments and messages end here",
        f"  mail              {running.sandbox_url}/mail  what customers are written; also /sms, /push",
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
    customer = next((login.name for login in logins if login.roles == ["CUSTOMER"]), logins[0].name)
    return [
        "",
        "  Demo accounts",
        *(
            f"    {login.email:<25} {login.password:<24} {', '.join(login.roles).lower().replace('_', ' ')}"
            for login in logins
        ),
        "",
        f"  A token of {customer}'s for {_TOKEN_HOURS} hours; `.venv/bin/punnet token NAME` prints others",
        f"    {demo_token(folder, customer, lifetime_s=_TOKEN_HOURS * 3600)}",
    ]
