"""`punnet router …`: compose, serve, and look at what the router does with an operation."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import orjson
import typer

from router.config import RouterConfig, read_config
from router.errors import RequestError, ResponseError, RouterError
from router.operation import normalize_operation, parse_document, validate_document
from router.operation.limits import DocumentLimits
from router.operation.model import Operation
from router.operation.print import print_operation
from router.plan.json import plan_to_json
from router.plan.text import print_plan
from router.planner import Planner, PlanningError
from router.planner.explain import explanation_to_json, print_explanation
from router.supergraph import Supergraph, SupergraphError, load_supergraph

if TYPE_CHECKING:
    from router.compose import Composition

app = typer.Typer(
    name="router",
    help="A GraphQL federation router. It works on any supergraph, composed here or elsewhere.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

config_app = typer.Typer(help="router.yaml: its schema, and checking one.", no_args_is_help=True)
app.add_typer(config_app, name="config")

SupergraphFile = Annotated[
    Path,
    typer.Option(
        "--supergraph", "-s", envvar="APOLLO_ROUTER_SUPERGRAPH_PATH", help="Supergraph SDL, as compose prints it."
    ),
]
QueryFile = Annotated[Path, typer.Argument(help="File with the operation; - reads standard input.")]
OperationName = Annotated[str | None, typer.Option("--name", help="Which operation, when there are several.")]


class PlanFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"  #: as Apollo Router has it
    WARNING = "warning"
    ERROR = "error"


@app.command()
def serve(
    supergraph: SupergraphFile,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", envvar="APOLLO_ROUTER_CONFIG_PATH", help="router.yaml")
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            envvar="APOLLO_ROUTER_LISTEN_ADDRESS",
            help="HOST:PORT; else supergraph.listen of router.yaml, 127.0.0.1:4000. Port 0 takes a free one.",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = 1,
    dev: Annotated[
        bool, typer.Option("--dev", help="Introspection, GraphiQL, subgraph errors and plans for everybody.")
    ] = False,
    log: Annotated[
        LogLevel,
        typer.Option(
            envvar="APOLLO_ROUTER_LOG", metavar="LEVEL", help="debug, info, warn or error", case_sensitive=False
        ),
    ] = LogLevel.INFO,
) -> None:
    """Serve a supergraph on / and /graphql until a signal comes.

    Queries, mutations and subscriptions over HTTP, and over WebSocket at the
    same path. Metrics are at /metrics, health at /health. Traces go to
    OTEL_EXPORTER_OTLP_ENDPOINT if that is set.

        punnet router serve -s supergraph.graphql --dev
        punnet router serve -s supergraph.graphql -c router.yaml --workers 4
    """
    from router.server.serve import Served, serve_forever

    settings = _config(config)
    if dev:
        settings = settings.for_development()
    host, port = _address(listen or settings.supergraph.listen)
    served = Served(settings, _read(supergraph), host, port, log, os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    try:
        serve_forever(served, workers)
    except (RouterError, OSError) as exc:
        _fail(str(exc))


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON schema of router.yaml, for editors.

    punnet router config schema > router.schema.json
    """
    typer.echo(orjson.dumps(RouterConfig.model_json_schema(), option=orjson.OPT_INDENT_2))


@config_app.command("validate")
def config_validate(path: Annotated[Path, typer.Argument(help="router.yaml")]) -> None:
    """Check a router.yaml and name every key that is wrong.

    punnet router config validate router.yaml
    """
    _config(path)
    typer.echo(f"{path} is valid")


class ComposeFormat(StrEnum):
    PLAIN = "plain"
    JSON = "json"


@app.command()
def compose(
    config: Annotated[
        Path, typer.Option("--config", help="supergraph.yaml in rover's format; - reads standard input.")
    ] = Path("supergraph.yaml"),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the supergraph goes; standard output if not given.")
    ] = None,
    api: Annotated[Path | None, typer.Option("--api", help="Write the API schema here as well.")] = None,
    include_tag: Annotated[list[str] | None, typer.Option(help="Show only what has this tag; may be repeated.")] = None,
    exclude_tag: Annotated[list[str] | None, typer.Option(help="Hide what has this tag; may be repeated.")] = None,
    format: Annotated[ComposeFormat, typer.Option(help="SDL, or rover's JSON.")] = ComposeFormat.PLAIN,  # noqa: A002
    watch: Annotated[bool, typer.Option("--watch", help="Compose again when a schema changes, until Ctrl-C.")] = False,
) -> None:
    """Compose subgraph schemas into a supergraph. Hints and errors go to standard error; errors exit with status 1.

    punnet router compose --config supergraph.yaml -o supergraph.graphql
    punnet router compose -o supergraph.graphql --watch
    punnet router compose --exclude-tag internal --api api.graphql
    """
    from router.compose import Contract, SubgraphDefinition, load_supergraph_config
    from router.compose import compose as compose_subgraphs
    from router.compose.watch import watch as watch_schemas

    contract = Contract(frozenset(include_tag or ()), frozenset(exclude_tag or ()))

    def compose_once(definitions: Sequence[SubgraphDefinition]) -> Composition:
        made = compose_subgraphs(definitions, contract=contract if include_tag or exclude_tag else None)
        _publish(made, output, api, format)
        return made

    if not watch:
        try:
            definitions = load_supergraph_config(config)
        except RouterError as exc:
            _fail(str(exc))
        if not compose_once(definitions).ok:
            raise typer.Exit(1)
        return
    if str(config) == "-":
        _fail("--watch needs a file to watch, and --config - is standard input")
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: shells have it ignored in what they put aside with &
        signal.signal(number, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        watch_schemas(config, lambda found: compose_once(found).summary, lambda line: typer.echo(line, err=True))


@app.command()
def check(
    old: Annotated[Path, typer.Argument(help="API schema that clients use now.")],
    new: Annotated[Path, typer.Argument(help="API schema that would replace it.")],
) -> None:
    """Report what a new API schema changes for clients; exits with status 1 when it breaks them.

    punnet router compose --api new.graphql -o supergraph.graphql
    punnet router check old.graphql new.graphql
    """
    from router.compose.changes import Severity, api_changes

    try:
        changes = api_changes(_read(old), _read(new))
    except RouterError as exc:
        _fail(str(exc))
    for change in changes:
        typer.echo(str(change))
    if any(change.severity is Severity.BREAKING for change in changes):
        raise typer.Exit(1)


@app.command()
def plan(
    query: QueryFile,
    supergraph: SupergraphFile,
    name: OperationName = None,
    format: Annotated[PlanFormat, typer.Option(help="Apollo's text form or its JSON.")] = PlanFormat.TEXT,  # noqa: A002
    label: Annotated[list[str] | None, typer.Option(help="Override label that is on; may be repeated.")] = None,
) -> None:
    """Print the query plan of an operation.

    punnet router plan -s supergraph.graphql query.graphql
    echo '{ me { name } }' | punnet router plan -s supergraph.graphql -
    """
    graph = _supergraph(supergraph)
    try:
        made = _planner(graph, supergraph).plan(_operation(graph, query, name), frozenset(label or ()))
    except PlanningError as exc:
        _fail(exc.message)
    if format is PlanFormat.JSON:
        typer.echo(orjson.dumps(plan_to_json(made), option=orjson.OPT_INDENT_2))
    else:
        typer.echo(print_plan(made))


@app.command()
def explain(
    query: QueryFile,
    supergraph: SupergraphFile,
    name: OperationName = None,
    format: Annotated[PlanFormat, typer.Option(help="For people, or as JSON with the plan.")] = PlanFormat.TEXT,  # noqa: A002
    label: Annotated[list[str] | None, typer.Option(help="Override label that is on; may be repeated.")] = None,
) -> None:
    """Print what the plan was chosen from: for every field the ways to it, their costs, and why one won.

    Without a plan, the fields that nobody can give, and why; exits with
    status 1 then.

        punnet router explain -s supergraph.graphql query.graphql
    """
    graph = _supergraph(supergraph)
    try:
        explanation = _planner(graph, supergraph).explain(_operation(graph, query, name), frozenset(label or ()))
    except PlanningError as exc:
        _fail(exc.message)
    if format is PlanFormat.JSON:
        typer.echo(orjson.dumps(explanation_to_json(explanation), option=orjson.OPT_INDENT_2))
    else:
        typer.echo(print_explanation(explanation))
    if explanation.plan is None:
        raise typer.Exit(1)


@app.command()
def normalize(query: QueryFile, supergraph: SupergraphFile, name: OperationName = None) -> None:
    """Print an operation as the planner sees it: fragments spread, equal fields merged, constants folded.

    punnet router normalize -s supergraph.graphql query.graphql
    """
    typer.echo(print_operation(_operation(_supergraph(supergraph), query, name)))


def _operation(supergraph: Supergraph, query: Path, name: str | None) -> Operation:
    limits = DocumentLimits()
    try:
        document = parse_document(_read(query), limits)
        if errors := validate_document(document, supergraph.api_schema, limits):
            raise RequestError(errors)
        return normalize_operation(document, supergraph.api_schema, name)
    except RequestError as refusal:
        _fail("\n".join(f"{_place(query, error)}: {error.code.name}: {error.message}" for error in refusal.errors))


def _place(query: Path, error: ResponseError) -> str:
    """Where in the document: `query.graphql:3:5`."""
    name = "standard input" if str(query) == "-" else str(query)
    return ":".join([name, *(str(number) for number in error.locations[0])]) if error.locations else name


def _supergraph(path: Path) -> Supergraph:
    try:
        return load_supergraph(_read(path))
    except SupergraphError as exc:
        _fail(f"{path}: {exc.code}: {exc.message}")


def _planner(supergraph: Supergraph, path: Path) -> Planner:
    try:
        return Planner(supergraph)
    except SupergraphError as exc:
        _fail(f"{path}: {exc.code}: {exc.message}")


def _config(path: Path | None) -> RouterConfig:
    try:
        return RouterConfig() if path is None else read_config(path)
    except RouterError as exc:
        _fail(str(exc))


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        _fail(f"--listen {listen}: expected HOST:PORT, such as 127.0.0.1:4000")
    return host.strip("[]"), int(port)


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text()
    except OSError as exc:
        _fail(f"{path}: cannot be read: {exc.strerror}")
    except UnicodeDecodeError as exc:
        _fail(f"{path}: not UTF-8: {exc.reason} at byte {exc.start}")


def _write(path: Path | None, text: str) -> None:
    if path is None:
        typer.echo(text)
    else:
        try:
            _replace(path, text.rstrip("\n") + "\n")
        except OSError as exc:
            _fail(f"{path}: cannot be written: {exc.strerror}")


def _replace(path: Path, text: str) -> None:
    """In one step, so that a router which watches the file never reads half of it."""
    if path.exists() and not path.is_file():  # such as /dev/stdout
        path.write_text(text, encoding="utf-8")
        return
    path = path.resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _publish(composition: Composition, output: Path | None, api: Path | None, format: ComposeFormat) -> None:  # noqa: A002
    """Failures are reported; the files keep what they had."""
    from router.compose.output import composition_json, error_report

    if api is not None and composition.api_sdl is not None:
        _write(api, composition.api_sdl)
    if format is ComposeFormat.JSON:
        _write(output, orjson.dumps(composition_json(composition), option=orjson.OPT_INDENT_2).decode())
        return
    for hint in composition.hints:
        typer.echo(str(hint), err=True)
    if composition.supergraph_sdl is None:
        typer.echo(error_report(composition).rstrip(), err=True)
    else:
        _write(output, composition.supergraph_sdl)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
