import pytest

from common.subgraph.postgres_url import PostgresServer, parse_database_url


def test_a_url_names_a_tcp_server() -> None:
    assert parse_database_url("postgresql://shop:p%40ss@db.example:6432/main?sslmode=require") == PostgresServer(
        "db.example", 6432, "shop", "p@ss", "require", "main"
    )


def test_a_url_names_a_unix_socket() -> None:
    assert parse_database_url("postgresql:///postgres?host=/run/pg&port=5433&user=postgres") == PostgresServer(
        "/run/pg", 5433, "postgres", None, None, "postgres"
    )


def test_a_misspelt_parameter_is_refused_without_showing_the_secret() -> None:
    with pytest.raises(ValueError, match="ssl_mode") as caught:
        parse_database_url("postgresql://shop:hunter2@db/main?ssl_mode=require")
    assert "hunter2" not in str(caught.value)
