"""`router …` on the command line, and that its errors name what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli import app
from tests.kit.tiny_subgraph import SUPERGRAPH

QUERY = (
    "query A($x: Boolean!) { ...F me: user { id } me: user { name @include(if: $x) } } fragment F on Query { count }"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)
    (tmp_path / "query.graphql").write_text(QUERY)
    (tmp_path / "bad.graphql").write_text("{\n  nothing\n}")
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error; `@` before a name stands for the folder."""
    resolved = [str(folder / a[1:]) if a.startswith("@") else a for a in arguments]
    result = CliRunner().invoke(app, resolved)
    return result.exit_code, result.stdout, result.stderr


def test_normalize_prints_what_the_planner_sees(folder: Path) -> None:
    status, out, _ = run(folder, "normalize", "@query.graphql", "-s", "@supergraph.graphql")
    assert status == 0
    assert out == ("query A($x: Boolean!) {\n  count\n  me: user {\n    id\n    name @include(if: $x)\n  }\n}\n")


def test_plan_prints_apollos_forms(folder: Path) -> None:
    text = run(folder, "plan", "@query.graphql", "-s", "@supergraph.graphql")
    made = run(folder, "plan", "@query.graphql", "-s", "@supergraph.graphql", "--format", "json")
    assert text[1].startswith('QueryPlan {\n  Fetch(service: "tiny") {')
    assert json.loads(made[1])["node"]["serviceName"] == "tiny"


def test_explain_says_why_a_plan_is_as_it_is(folder: Path) -> None:
    status, out, _ = run(folder, "explain", "@query.graphql", "-s", "@supergraph.graphql")
    lines = out.splitlines()
    assert (status, lines[0], lines[-1]) == (
        0,
        "count (Query.count): tiny, 1 request in 1 round trip: the only way",
        "The plan: 1 request in 1 round trip.",
    )
    made = run(folder, "explain", "@query.graphql", "-s", "@supergraph.graphql", "--format", "json")
    explanation = json.loads(made[1])
    assert explanation["choices"][0]["candidates"][0]["route"] == "tiny"
    assert explanation["plan"]["node"]["serviceName"] == "tiny"


def test_explain_names_what_nobody_can_give(folder: Path) -> None:
    lost = SUPERGRAPH.replace(
        "type User @join__type(graph: TINY) {",
        "type User @join__type(graph: TINY) { lost: Int @join__field(graph: TINY, external: true)",
    )
    (folder / "lost.graphql").write_text(lost)
    (folder / "lost.query.graphql").write_text("{ user { lost } }")
    status, out, _ = run(folder, "explain", "@lost.query.graphql", "-s", "@lost.graphql")
    assert (status, "user.lost (User.lost, tiny)\n  x tiny: external there" in out) == (1, True)


def test_compose_prints_a_supergraph_or_what_is_wrong(folder: Path) -> None:
    (folder / "a.graphql").write_text("type Query { a: Int }")
    (folder / "ok.yaml").write_text("subgraphs: {a: {routing_url: http://a, schema: {file: a.graphql}}}")
    (folder / "bad.yaml").write_text("subgraphs: {a: {routing_url: http://a, schema: {sdl: 'type T { a: Int }'}}}")
    status, out, _ = run(folder, "compose", "--config", "@ok.yaml", "--api", "@api.graphql")
    assert (status, "join__Graph" in out) == (0, True)
    assert (folder / "api.graphql").read_text() == "type Query {\n  a: Int\n}\n"
    status, out, err = run(folder, "compose", "--config", "@bad.yaml")
    assert (status, out) == (1, "")
    assert "NO_QUERIES" in err


def test_compose_speaks_json_and_makes_contracts(folder: Path) -> None:
    (folder / "a.graphql").write_text('type Query { a: Int b: Int @tag(name: "inside") }')
    (folder / "ok.yaml").write_text("subgraphs: {a: {routing_url: http://a, schema: {file: a.graphql}}}")
    (folder / "bad.yaml").write_text("subgraphs: {a: {routing_url: http://a, schema: {sdl: 'type T { a: Int }'}}}")
    asked = ("compose", "--format", "json", "--config")
    status, out, _ = run(folder, *asked, "@ok.yaml", "--exclude-tag", "inside", "--api", "@api.graphql")
    assert (status, "join__Graph" in out) == (0, True)
    assert (folder / "api.graphql").read_text() == "type Query {\n  a: Int\n}\n"
    status, out, _ = run(folder, *asked, "@bad.yaml")
    assert (status, "NO_QUERIES" in out) == (1, True)
    assert isinstance(json.loads(out), dict)


def test_check_fails_on_what_breaks_clients(folder: Path) -> None:
    (folder / "old.graphql").write_text("type Query { a: Int b: Int }")
    (folder / "more.graphql").write_text("type Query { a: Int b: Int c: Int }")
    (folder / "less.graphql").write_text("type Query { a: Int }")
    (folder / "broken.graphql").write_text("type Query {")
    assert run(folder, "check", "@old.graphql", "@more.graphql")[0] == 0
    status, out, _ = run(folder, "check", "@old.graphql", "@less.graphql")
    assert (status, "Query.b" in out) == (1, True)
    status, _, err = run(folder, "check", "@old.graphql", "@broken.graphql")
    assert (status, "Traceback" in err, err.partition(": Syntax")[0]) == (1, False, "the new schema is not GraphQL")


def test_a_configuration_is_checked_and_its_schema_printed(folder: Path) -> None:
    (folder / "router.yaml").write_text("supergraph: {introspection: true}")
    assert run(folder, "config", "validate", "@router.yaml")[0] == 0
    (folder / "router.yaml").write_text("supergraph: {introspecton: true}")
    status, _, err = run(folder, "config", "validate", "@router.yaml")
    message = "supergraph.introspecton: unknown key; did you mean introspection?"
    assert (status, err) == (1, f"{folder / 'router.yaml'}: {message}\n")
    schema = json.loads(run(folder, "config", "schema")[1])
    assert schema["additionalProperties"] is False


def test_a_key_that_cannot_be_read_is_named_by_every_verb_that_plans(folder: Path) -> None:
    old, new = "type User @join__type(graph: TINY)", 'type User @join__type(graph: TINY, key: "lost")'
    (folder / "bad.graphql").write_text(SUPERGRAPH.replace(old, new))
    for verb in ("plan", "explain"):
        status, _, err = run(folder, verb, "@query.graphql", "-s", "@bad.graphql")
        assert (status, err.partition(": ")[2]) == (
            1, 'INVALID_FEDERATION_SUPERGRAPH: A field set takes "User.lost", which does not exist.\n'
        )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "@none.graphql", "-s", "@supergraph.graphql"], "none.graphql: cannot be read"),
        (["plan", "@query.graphql", "-s", "@query.graphql"], "INVALID_FEDERATION_SUPERGRAPH"),
        (["plan", "@query.graphql", "-s", "@supergraph.graphql", "--name", "B"], "GRAPHQL_UNKNOWN_OPERATION_NAME"),
        (["plan", "@bad.graphql", "-s", "@supergraph.graphql"], "bad.graphql:2:3: GRAPHQL_VALIDATION_FAILED"),
        (["compose", "--config", "@none.yaml"], "none.yaml: cannot be read"),
        (["serve", "-s", "@supergraph.graphql", "--listen", "nowhere"], "expected HOST:PORT"),
        (["serve", "-s", "@supergraph.graphql", "--config", "@none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, arguments: list[str], message: str) -> None:
    status, _, err = run(folder, *arguments)
    assert status == 1
    assert message in err
    assert "Traceback" not in err


def test_a_level_of_the_log_that_does_not_exist_is_answered_with_those_that_do(folder: Path) -> None:
    status, _, err = run(folder, "serve", "-s", "@supergraph.graphql", "--log", "loud")
    assert (status, "Traceback" in err, "'debug', 'info', 'warn', 'warning'" in err) == (2, False, True)


def test_every_verb_says_what_it_does_with_an_example() -> None:
    for verb in (["serve"], ["compose"], ["check"], ["plan"], ["explain"], ["normalize"], ["config", "validate"]):
        result = CliRunner().invoke(app, [*verb, "--help"])
        assert result.exit_code == 0
        assert f" punnet router {' '.join(verb)} " in result.stdout
