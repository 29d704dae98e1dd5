"""router.yaml: what is read, and what is refused with the name of the key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from router.config import RouterConfig, parse_config, read_config
from router.errors import ConfigurationError


def test_an_empty_file_gives_the_defaults_and_they_are_apollos() -> None:
    config = parse_config("", {})
    assert config == RouterConfig()
    assert config.supergraph.listen == "127.0.0.1:4000"
    assert config.supergraph.introspection is False
    assert config.limits.parser_max_tokens == 15_000
    assert config.csrf.required_headers == ("x-apollo-operation-name", "apollo-require-preflight")
    assert config.traffic_shaping.timeout_s("any") == 30.0


def test_subgraphs_fall_back_to_all_and_all_to_the_defaults() -> None:
    config = parse_config(
        """
        traffic_shaping:
          all: {timeout: 5s, retry: {max_attempts: 7}}
          subgraphs: {slow: {timeout: 1m 30s, circuit_breaker: {enabled: false}}}
        """,
        {},
    ).traffic_shaping
    assert [config.timeout_s(name) for name in ("slow", "other")] == [90.0, 5.0]
    assert [config.retry(name).max_attempts for name in ("slow", "other")] == [7, 7]
    assert [config.circuit_breaker(name).enabled for name in ("slow", "other")] == [False, True]


def test_values_are_expanded_from_environment_and_files(tmp_path: Path) -> None:
    (tmp_path / "path.txt").write_text("/api\n")
    (tmp_path / "router.yaml").write_text(
        """
        supergraph: {listen: "${env.HOST:-0.0.0.0}:${env.PORT}", path: "${file.path.txt}", introspection: "${env.OPEN}"}
        override_subgraph_url: {a: "http://$${not}/${env.NONE:-x}"}
        """
    )
    config = read_config(tmp_path / "router.yaml", {"PORT": "4001", "OPEN": "true"})
    assert config.supergraph.listen == "0.0.0.0:4001"
    assert (config.supergraph.path, config.supergraph.introspection) == ("/api", True)
    assert config.override_subgraph_url == {"a": "http://${not}/x"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("supergrph: {}", "supergrph: unknown key"),
        ("supergraph: {listn: x}", "supergraph.listn: unknown key; did you mean listen?"),
        ("traffic_shaping: {subgraphs: {a: {timout: 1s}}}", "subgraphs.a.timout: unknown key; did you mean timeout?"),
        ("traffic_shaping: {all: {retry: {tries: 1}}}", "unknown key; there are: enabled, max_attempts, interval,"),
        ("headers: {all: {request: [{propagte: {named: a}}]}}", "request.0.propagte: unknown key; did you mean propag"),
        ("homepage: {graph_ref: x}", "homepage.graph_ref: unknown key; there are: enabled"),
        ("subscription: {heartbeat_interval: 0s}", "subscription.heartbeat_interval: Input should be greater than 0"),
        ("limits: {max_depth: deep}", "limits.max_depth: "),
        ("limits: {http_max_request_bytes: 2 apples}", "is not a size"),
        ("traffic_shaping: {router: {timeout: 30}}", "with its unit"),
        ("traffic_shaping: {router: {timeout: soon}}", "'soon' is not a duration"),
        ("supergraph: {listen: localhost}", "expected HOST:PORT"),
        ("supergraph: {path: graphql}", "a path starts with /"),
        ("headers: {all: {request: [{insert: {name: a, value: b}, remove: {named: a}}]}}", "one of propagate"),
        ("headers: {all: {request: [{propagate: {named: a, matching: b}}]}}", "either named or matching"),
        ("cors: {policies: [{origins: ['*']}]}", "allow_any_origin"),
        ("authentication: {router: {jwt: {jwks: []}}}", "authentication.router.jwt.jwks"),
        ("include_subgraph_errors: {all: {allow_extensions_keys: [], deny_extensions_keys: []}}", "not both"),
        ("supergraph: {path: '${env.MISSING}'}", "the environment variable MISSING is not set"),
        ("supergraph: {path: '${file./no/such}'}", "cannot be read"),
        ("supergraph: {path: '${vault.x}'}", "only env and file"),
        ("- 1", "expected a mapping"),
        ("a: {\n  b", "not YAML: line 2, column 4: "),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        parse_config(text, {})


def test_each_line_of_what_is_wrong_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    path.write_text("supergrph: {}\nlimits: {max_depth: deep}")
    with pytest.raises(ConfigurationError) as refusal:
        read_config(path)
    assert [line.partition(": ")[0] for line in str(refusal.value).splitlines()] == [str(path)] * 2


def test_secrets_are_not_shown_in_errors_or_in_the_configuration() -> None:
    config = parse_config(f"signed_context: {{secret: {'hunter2' * 6}}}", {})
    assert "hunter2" not in repr(config)
    with pytest.raises(ConfigurationError) as refusal:
        parse_config("signed_context: {secret: [hunter2]}", {})
    assert "hunter2" not in str(refusal.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"/no/such/router\.yaml: cannot be read"):
        read_config(Path("/no/such/router.yaml"))


def test_development_opens_what_production_keeps_closed() -> None:
    config = RouterConfig().for_development()
    assert config.supergraph.introspection
    assert config.sandbox.enabled
    assert config.include_subgraph_errors.all is True
    assert config.expose_query_plan
