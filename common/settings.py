"""Configuration from the environment, parsed once at the edge of a process into frozen records.

Everything of ours is called `PUNNET_…`; the three addresses every operator expects under their usual names are not
prefixed: DATABASE_URL (one PostgreSQL server, on which each subgraph has a database of its own), NATS_URL and
REDIS_URL.
"""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PREFIX = "PUNNET_"
_MIN_SECRET_BYTES = 32


class Settings(BaseSettings):
    """What every process needs but the router, which has router.yaml."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        # a refused value may be a secret
        hide_input_in_errors=True,
    )

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    #: address of an OTLP/HTTP collector, e.g. http://localhost:4318; None: traces stay in the process
    otlp_endpoint: Annotated[str | None, Field(validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")] = None
    #: share of new traces that are recorded, 0 to 1; a caller's decision (traceparent) is always followed
    trace_sample_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    #: last traces a subgraph's process keeps for the router's `/traces`; 0: none
    traces_kept: Annotated[int, Field(ge=0, le=10_000)] = 0
    jwt_issuer: str = "punnet"
    jwt_audience: str = "punnet-api"
    #: seconds in-flight requests are given to finish after the door is closed
    drain_timeout_s: Annotated[float, Field(gt=0)] = 20.0


class SubgraphSettings(Settings):
    """What a subgraph needs on top. The secret is required: without it anyone could ask `_entities` as anybody."""

    #: signs what the router tells the subgraphs about the caller. Several, separated by commas, while one replaces
    #: another: the first signs, all are accepted
    context_secret: SecretStr
    database_url: Annotated[str, Field(validation_alias="DATABASE_URL")] = (
        "postgresql://postgres@127.0.0.1:5432/postgres"
    )
    nats_url: Annotated[str, Field(validation_alias="NATS_URL")] = "nats://127.0.0.1:4222"
    redis_url: Annotated[str | None, Field(validation_alias="REDIS_URL")] = None
    #: feature flags (`common/flags.py`): JSON text, or the path of a JSON file that may change meanwhile
    flags: str = ""
    database_pool_size: Annotated[int, Field(ge=1, le=1000)] = 10
    #: how long a request waits for the answer of another subgraph; then it fails, or is accepted to be finished later
    command_timeout_s: Annotated[float, Field(gt=0)] = 2.0

    @model_validator(mode="after")
    def _secrets_are_long_enough(self) -> Self:
        secrets = self.context_secrets()
        if not secrets or any(len(secret) < _MIN_SECRET_BYTES for secret in secrets):
            raise ValueError(
                f"PUNNET_CONTEXT_SECRET: at least {_MIN_SECRET_BYTES} bytes, e.g. from `openssl rand -hex 32`"
            )
        return self

    def context_secrets(self) -> tuple[bytes, ...]:
        """The secrets of the signed context, the one to sign with first."""
        parts = self.context_secret.get_secret_value().split(",")
        return tuple(part.strip().encode() for part in parts if part.strip())


def database_url_for(server_url: str, database: str) -> str:
    """The same server and user, another database: `postgresql:///postgres?host=/sock` and `punnet_orders` give
    `postgresql:///punnet_orders?host=/sock`.
    """
    parts = urlsplit(server_url)
    # put together by hand: urlunsplit would drop the empty authority of `postgresql:///x`
    return f"{parts.scheme}://{parts.netloc}/{database}" + (f"?{parts.query}" if parts.query else "")
