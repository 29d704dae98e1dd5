"""The command `punnet`: everything `make` does, and more. `punnet router …` works on any supergraph."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from deploy.local import web as graphiql
from deploy.local.environment import shop_environment
from deploy.local.errors import LocalError
from deploy.local.state import state_folder
from deploy.local.supergraph import subgraph_names
from deploy.local.terminal import Terminal


class Root(TyperGroup):
    """Knows `router` by name only: whoever serves a subgraph has no use for it, and starts in half the time."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), "router"]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name != "router":
            return super().get_command(ctx, cmd_name)
        from router.cli import app as router_app

        return typer.main.get_command(router_app)


app = typer.Typer(
    name="punnet",
    cls=Root,
    help="Punnet: a shop of five GraphQL subgraphs behind a federation router of our own.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
schema_app = typer.Typer(help="Schema artefacts: the subgraphs' SDL and the supergraph.", no_args_is_help=True)
keys_app = typer.Typer(help="Keys of personal data.", no_args_is_help=True)
events_app = typer.Typer(help="What subgraphs tell each other.", no_args_is_help=True)
web_app = typer.Typer(help="The GraphiQL page.", no_args_is_help=True)
app.add_typer(schema_app, name="schema")
app.add_typer(web_app, name="web")
app.add_typer(keys_app, name="keys")
app.add_typer(events_app, name="events")


@app.command()
def up(
    split: Annotated[bool, typer.Option("--split", help="A process per subgraph instead of one for all.")] = False,
    workers: Annotated[int, typer.Option(help="With --split: processes of each subgraph and the router.", min=1)] = 1,
    port: Annotated[int, typer.Option(help="Port of the router.", min=1, max=65535)] = 8080,
    host: Annotated[str, typer.Option(help="Address the router listens on.")] = "127.0.0.1",
    with_seed: Annotated[bool, typer.Option("--seed/--no-seed", help="Demo accounts, products and stock.")] = True,
    with_web: Annotated[
        bool, typer.Option("--web/--no-web", help="Build the GraphiQL page if it is not built.")
    ] = True,
) -> None:
    """Start everything on this machine: PostgreSQL, NATS, the subgraphs and the router. Ctrl-C stops it.

    DATABASE_URL, NATS_URL and REDIS_URL point it at servers you run yourself,
    PUNNET_HOME at another folder for data, logs and secrets than .punnet/.

        punnet up --split --workers 2
        PUNNET_HOME=/tmp/second punnet up --port 8081
    """
    from deploy.local.up import Options
    from deploy.local.up import up as run_shop
    from deploy.local.welcome import welcome

    if workers > 1 and not split:
        raise LocalError("--workers needs --split: what lives in one process cannot be shared among several.")
    folder, terminal = state_folder(), Terminal()
    options = Options(host=host, port=port, is_split=split, workers=workers, with_seed=with_seed, with_web=with_web)
    run_shop(folder, options, terminal, lambda running: welcome(running, folder, terminal))


@app.command()
def status() -> None:
    """What is running, and where. Exit status 1 when nothing is."""
    running = state_folder().running()
    if running is None:
        Terminal().say("Punnet is not running here. `make up` starts it.")
        raise typer.Exit(1)
    Terminal().show(f"{'router':<14} {running.url}/graphql (process {running.pid})")
    for name, url in running.subgraph_urls.items():
        Terminal().show(f"{name:<14} {url}")
    Terminal().show(f"{'sandbox':<14} {running.sandbox_url}")


@app.command()
def reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Drop all local data: databases, streams, logs and generated secrets."""
    folder = state_folder()
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Drop all data in {folder.path}?", abort=True)
    folder.drop()
    Terminal().say("Local data dropped; the next `make up` begins anew.")


@app.command()
def migrate() -> None:
    """Create and migrate the databases of all subgraphs; `up` and each subgraph do it by themselves.

    Works on the running shop, on DATABASE_URL and NATS_URL if they are set, or
    on servers started for it.
    """
    from deploy.local import shop

    _on_servers(shop.migrate)


@app.command()
def seed() -> None:
    """Add the demo data that is missing, on migrated databases; `up` does it by itself. Servers as with `migrate`."""
    from deploy.local import shop

    _on_servers(shop.seed)


@app.command()
def token(
    account: Annotated[str, typer.Argument(help="First part of a demo account's address, e.g. alice.")],
    hours: Annotated[int, typer.Option(help="How long it is valid.", min=1)] = 12,
) -> None:
    """Print an access token of a demo account, signed with this machine's key.

    curl -H "authorization: Bearer $(punnet token alice)" ...
    """
    from deploy.local.demo import demo_token

    Terminal().show(demo_token(state_folder(), account, lifetime_s=hours * 3600))


@app.command()
def subgraph(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(subgraph_names())}.")],
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one.")] = "127.0.0.1:4001",
    workers: Annotated[int, typer.Option(help="Processes that share the port.", min=1)] = 1,
) -> None:
    """Serve one subgraph on its own; addresses and secrets come from the environment.

    docs/operations.md lists the variables.

        punnet subgraph orders --listen 127.0.0.1:4003
    """
    from deploy.serve import serve_subgraph

    if name not in subgraph_names():
        raise LocalError(f"No subgraph {name!r}; there are {', '.join(subgraph_names())}.")
    serve_subgraph(name, *_address(listen), workers)


@app.command()
def sandbox(
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one.")] = "127.0.0.1:4010",
) -> None:
    """Serve the sandbox: the payment provider and whoever else is outside; configuration from the environment.

    deploy/sandbox/README.md lists the variables.
    """
    from deploy.serve import serve_sandbox

    serve_sandbox(*_address(listen))


@app.command()
def containers() -> None:
    """Generate the secrets of compose.yaml into .punnet/containers/; to be called before `docker compose up`."""
    from deploy.local.secrets import write_container_environments

    for path in write_container_environments(state_folder()):
        Terminal().show(str(path))


@app.command()
def prove(
    only: Annotated[str, typer.Option(help="Scenarios by number, with commas: R1,R5. All unless given.")] = "",
    scale: Annotated[float, typer.Option(help="Share of the full numbers, for short runs.", min=0.001, max=1)] = 1.0,
    seed: Annotated[int, typer.Option(help="Decides everything random: the same seed, the same run.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the table there, e.g. docs/reliability.md.")] = None,
    steps: Annotated[str, typer.Option(help="Of R9: only steps like these, with commas: 'payments.*'.")] = "",
) -> None:
    """Prove the laws of the shop under fire, on shops of its own. Exit status 1 when something is disproved.

    punnet prove --only R1,R7 --scale 0.1
    """
    from deploy.prove.result import Options
    from deploy.prove.run import prove, select

    terminal = Terminal()
    if not asyncio.run(prove(select(only), Options(scale, seed, report, steps), terminal)):
        raise typer.Exit(1)


@schema_app.command("export")
def export_schema() -> None:
    """Write schema/: each subgraph's SDL, the composed supergraph and the API schema."""
    from deploy.local.shop import artefacts, write_stale

    for path in write_stale(artefacts()):
        Terminal().show(f"written: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


@schema_app.command("check")
def check_schema() -> None:
    """Exit status 1 when a file in schema/ is not what the sources say."""
    from deploy.local.shop import artefacts, stale

    outdated = stale(artefacts())
    for path in outdated:
        Terminal().fail(f"{path.name} is stale; `make schema` writes it")
    if outdated:
        raise typer.Exit(1)


@keys_app.command("rotate")
def rotate_keys() -> None:
    """Wrap all data keys under the first of PUNNET_PII_KEYS; afterwards the others may go."""
    from deploy.local.keys import rotate_keys as rotate

    async def run() -> None:
        async for name, count in rotate():
            Terminal().show(f"{name:<14} {count} data keys wrapped anew")

    _on_servers(run)


@events_app.command("republish")
def republish_events(
    since: Annotated[datetime, typer.Argument(formats=["%Y-%m-%dT%H:%M:%S%z"], help="Such as 2027-02-28T18:30:00Z.")],
) -> None:
    """Publish again what was recorded since then, after the stream of NATS was lost or restored to an earlier state.

    Whoever had an event has no second effect of it. Servers as with `migrate`.
    """
    from deploy.local.shop import republish

    async def run() -> None:
        async for name, count in republish(since):
            Terminal().show(f"{name:<14} {count} events to be published again")

    _on_servers(run)


@web_app.command("build")
def build_web() -> None:
    """Build the GraphiQL bundle from pinned npm packages; node is brought along where it is missing."""
    with Terminal().step("GraphiQL bundle"):
        graphiql.build()


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise LocalError(f"--listen {listen}: expected HOST:PORT, such as 127.0.0.1:4001")
    return host.strip("[]"), int(port)


def _on_servers(action: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `action` against the servers of the running shop, or against servers started for it."""
    with shop_environment(state_folder(), Terminal()):
        asyncio.run(action())


def main() -> None:
    try:
        app(prog_name="punnet")
    except LocalError as error:
        Terminal().fail(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
