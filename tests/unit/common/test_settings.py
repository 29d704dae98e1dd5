"""Configuration from the environment."""

import pytest
from pydantic import SecretStr, ValidationError

from common.settings import SubgraphSettings, database_url_for

SECRET = "0123456789abcdef0123456789abcdef"


def test_addresses_are_read_under_their_usual_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop:pw@db:5433/postgres")
    monkeypatch.setenv("NATS_URL", "nats://bus:4222")
    monkeypatch.setenv("REDIS_URL", "redis://cache:6379")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setenv("PUNNET_CONTEXT_SECRET", SECRET)
    settings = SubgraphSettings()  # type: ignore[call-arg]  # from the environment
    assert settings.database_url == "postgresql://shop:pw@db:5433/postgres"
    assert (settings.nats_url, settings.redis_url) == ("nats://bus:4222", "redis://cache:6379")
    assert settings.otlp_endpoint == "http://collector:4318"


def test_a_subgraph_does_not_start_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUNNET_CONTEXT_SECRET", raising=False)
    with pytest.raises(ValidationError, match="context_secret"):
        SubgraphSettings()  # type: ignore[call-arg]  # from the environment


@pytest.mark.parametrize("secret", ["hunter2", " , ", f"{SECRET},hunter2"])
def test_a_short_secret_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ValidationError, match="at least 32 bytes") as refusal:
        SubgraphSettings(context_secret=SecretStr(secret))
    assert "hunter2" not in str(refusal.value)


def test_during_rotation_the_first_secret_signs_and_all_are_accepted() -> None:
    settings = SubgraphSettings(context_secret=SecretStr(f"{SECRET}, {SECRET[::-1]}"))
    assert settings.context_secrets() == (SECRET.encode(), SECRET[::-1].encode())
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("postgresql://a:b@h:5432/postgres", "postgresql://a:b@h:5432/punnet_orders"),
        ("postgresql:///postgres?host=/run/pg&user=p", "postgresql:///punnet_orders?host=/run/pg&user=p"),
        ("postgres://a:p%40ss@h", "postgres://a:p%40ss@h/punnet_orders"),
        ("postgresql://h/postgres?sslmode=require", "postgresql://h/punnet_orders?sslmode=require"),
    ],
)
def test_another_database_of_the_same_server(server: str, url: str) -> None:
    assert database_url_for(server, "punnet_orders") == url
