"""Reads rover's `supergraph.yaml`: which subgraphs there are, and where their schemas are.

    federation_version: "=2.9.0"
    subgraphs:
      products:
        routing_url: https://products.example/graphql   # may be left out beside subgraph_url
        schema: {file: ./products.graphql}              # or sdl: …, or subgraph_url: … with introspection_headers: {…}

Files are relative to the YAML file; `${env.NAME}` and `${file.PATH}` are expanded in values.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from router.compose.fetch import fetch_all, fetch_sdl
from router.compose.records import SubgraphDefinition
from router.config.expand import expand
from router.errors import ConfigurationError

#: (URL, headers) -> SDL; raises ConfigurationError
Fetch = Callable[[str, Mapping[str, str]], str]

_VERSION = re.compile(r"=?2(\.\d+){0,2}")


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid")

    file: Path | None = None
    sdl: str | None = None
    subgraph_url: str | None = None
    introspection_headers: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> _Schema:
        if sum(source is not None for source in (self.file, self.sdl, self.subgraph_url)) != 1:
            raise ValueError("give exactly one of file, sdl and subgraph_url")
        return self


class _Subgraph(BaseModel):
    model_config = ConfigDict(extra="forbid")

    routing_url: str | None = None
    schema_: _Schema = Field(alias="schema")

    @model_validator(mode="after")
    def _has_url(self) -> _Subgraph:
        if self.routing_url is None and self.schema_.subgraph_url is None:
            raise ValueError("routing_url is missing")
        return self


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid")

    federation_version: str | int | float | None = None
    subgraphs: dict[str, _Subgraph] = Field(min_length=1)

    @model_validator(mode="after")
    def _federation_2(self) -> _Config:
        if self.federation_version is not None and not _VERSION.fullmatch(str(self.federation_version)):
            raise ValueError("federation_version must be 2, or a version such as =2.9.0")
        return self


class _Loader(yaml.SafeLoader):
    """Refuses keys that are there twice: the second subgraph of a name would silently replace the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if twice := [key for key in dict.fromkeys(keys) if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load_supergraph_config(
    path: Path | str, env: Mapping[str, str] | None = None, fetch: Fetch = fetch_sdl
) -> tuple[SubgraphDefinition, ...]:
    """The subgraphs in the order of the file, their schemas read or fetched; `-` is standard input.

    Raises ConfigurationError.
    """
    path = Path(path)
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        tree = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except OSError as exc:
        raise ConfigurationError(f"{path}: cannot be read: {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{path}: not YAML: {exc}") from exc
    if not isinstance(tree, dict):
        raise ConfigurationError(f"{path}: expected a mapping with `subgraphs`")
    env = os.environ if env is None else env
    try:
        config = _Config.model_validate(expand(tree, env, path.parent, is_typed=False))
    except ValidationError as exc:
        raise ConfigurationError(f"{path}: " + "; ".join(_explain(exc))) from exc
    fetched = fetch_all(
        {
            name: partial(_fetch, name, url, subgraph.schema_.introspection_headers, fetch)
            for name, subgraph in config.subgraphs.items()
            if (url := subgraph.schema_.subgraph_url) is not None
        }
    )
    return tuple(
        SubgraphDefinition(
            name,
            subgraph.routing_url or subgraph.schema_.subgraph_url or "",
            fetched[name] if name in fetched else _read(name, subgraph.schema_, path.parent),
        )
        for name, subgraph in config.subgraphs.items()
    )


def _fetch(name: str, url: str, headers: Mapping[str, str], fetch: Fetch) -> str:
    try:
        return fetch(url, headers)
    except ConfigurationError as exc:
        raise ConfigurationError(f'The schema of subgraph "{name}" cannot be fetched: {exc}') from exc


def _read(name: str, schema: _Schema, folder: Path) -> str:
    if schema.sdl is not None:
        return schema.sdl
    file = folder / (schema.file or "")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f'The schema of subgraph "{name}", {file}, cannot be read: {exc}') from exc


def _explain(exc: ValidationError) -> list[str]:
    lines: list[str] = []
    for error in exc.errors():
        place = ".".join(str(step) for step in error["loc"])
        problem = error["msg"].removeprefix("Value error, ")
        match error["type"], error["loc"][-1:]:
            case "extra_forbidden", ("graphref",):
                problem = "schemas in GraphOS cannot be read; give a file, sdl or subgraph_url"
            case "extra_forbidden", _:
                problem = "unknown key"
            case "string_type", ("[key]",):
                problem = "the name of a subgraph must be text; put it in quotes"
            case _:
                pass
        lines.append(f"{place}: {problem}" if place else problem)
    return lines
