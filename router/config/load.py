"""YAML text to `RouterConfig`: expand, check, and say where what is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from router.config.expand import expand
from router.config.model import RouterConfig
from router.errors import ConfigurationError


def read_config(path: Path, env: Mapping[str, str] | None = None) -> RouterConfig:
    """Raises ConfigurationError; relative `${file.…}` are looked up beside the file."""
    try:
        text = path.read_text()
    except OSError as exc:
        raise ConfigurationError(f"{path}: cannot be read: {exc.strerror}") from exc
    return parse_config(text, env, path.parent)


def parse_config(text: str, env: Mapping[str, str] | None = None, folder: Path = Path()) -> RouterConfig:
    """An empty text gives the defaults. `env` is the process's environment unless given."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise ConfigurationError(f"not YAML: {exc}") from exc
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise ConfigurationError("expected a mapping of sections such as `supergraph:`")
    try:
        return RouterConfig.model_validate(expand(tree, os.environ if env is None else env, folder))
    except ValidationError as exc:
        raise ConfigurationError("\n".join(_explain(exc))) from exc


def _explain(exc: ValidationError) -> list[str]:
    lines = []
    for error in exc.errors():
        place = ".".join(str(step) for step in error["loc"])
        unknown = error["type"] == "extra_forbidden"
        lines.append(f"{place}: {'unknown key' if unknown else error['msg'].removeprefix('Value error, ')}")
    return lines
