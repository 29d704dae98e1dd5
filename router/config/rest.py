"""Section about REST routes made of GraphQL documents. Ours: Apollo Router has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator

from router.config.base import Duration, Section


class ExchangeConfig(Section):
    """Where a secret in a body becomes a token: `{card_number: …}` goes there, `{"id": "tok_…"}` comes back."""

    url: str
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    fields: dict[str, str] = Field(min_length=1)  #: key in the body -> path in the request, such as `card.number`
    token: str = "id"  # noqa: S105 - the path of the token in the answer
    error: str = "error"  #: path in a refusal of what holds `code` and `message`
    timeout: Duration = 10.0


class OpenApiConfig(Section):
    title: str = "API"
    version: str = "1"
    description: str | None = None
    #: JSON Schema by the name of a custom scalar; those not named are described as anything
    scalars: dict[str, dict[str, Any]] = Field(default_factory=dict)
    #: folder with Swagger UI's `swagger-ui-bundle.js` and `swagger-ui.css`; None: where `make web` puts it
    docs: Path | None = None


class RestConfig(Section):
    documents: Path  #: folder of `*.graphql`
    path: str = "/api"  #: all routes are below; `openapi.json` and `docs` too
    names: Literal["snake_case", "as_is"] = "as_is"  #: of the keys in bodies, against the schema's
    #: HTTP status by the `__typename` of a typed error or by the `extensions.code` of any other
    statuses: dict[str, int] = Field(default_factory=dict)
    exchanges: dict[str, ExchangeConfig] = Field(default_factory=dict)
    openapi: OpenApiConfig = OpenApiConfig()

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/") or value.endswith("/"):
            raise ValueError("a path starts with / and does not end with it")
        return value

    @field_validator("statuses")
    @classmethod
    def _errors(cls, value: dict[str, int]) -> dict[str, int]:
        for name, status in value.items():
            if not 400 <= status <= 599:
                raise ValueError(f"{name}: the status of an error is between 400 and 599")
        return value
