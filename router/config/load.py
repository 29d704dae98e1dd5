"""YAML text to `RouterConfig`: expand, check, and say where what is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import yaml
from pydantic import ValidationError

from router.config.base import Section
from router.config.expand import expand
from router.config.model import RouterConfig
from router.errors import ConfigurationError


def read_config(path: Path, env: Mapping[str, str] | None = None) -> RouterConfig:
    """Raises ConfigurationError; relative `${file.…}` are looked up beside the file."""
    try:
        text = path.read_text()
    except OSError as exc:
        raise ConfigurationError(f"{path}: cannot be read: {exc.strerror}") from exc
    try:
        return parse_config(text, env, path.parent)
    except ConfigurationError as exc:
        lines = str(exc).splitlines()
        raise ConfigurationError("\n".join(f"{path}: {line}" for line in lines)) from exc


def parse_config(text: str, env: Mapping[str, str] | None = None, folder: Path = Path()) -> RouterConfig:
    """An empty text gives the defaults. `env` is the process's environment unless given."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise ConfigurationError(f"not YAML: {_where(exc)}") from exc
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise ConfigurationError("expected a mapping of sections such as `supergraph:`")
    try:
        return RouterConfig.model_validate(expand(tree, os.environ if env is None else env, folder))
    except ValidationError as exc:
        raise ConfigurationError("\n".join(_explain(exc))) from exc


def _where(exc: yaml.YAMLError) -> str:
    if isinstance(exc, yaml.MarkedYAMLError) and exc.problem_mark is not None:
        return f"line {exc.problem_mark.line + 1}, column {exc.problem_mark.column + 1}: {exc.problem}"
    return str(exc)


def _explain(exc: ValidationError) -> list[str]:
    lines = []
    for error in exc.errors():
        place = ".".join(str(step) for step in error["loc"])
        if error["type"] == "extra_forbidden":
            lines.append(f"{place}: unknown key{_suggestion(error['loc'])}")
        else:
            lines.append(f"{place}: {error['msg'].removeprefix('Value error, ')}")
    return lines


def _suggestion(place: Sequence[int | str]) -> str:
    """The keys that are known where an unknown one stands, those like it first."""
    annotation: Any = RouterConfig
    for step in place[:-1]:
        annotation = _at(annotation, step)
    section = _section(annotation)
    if section is None:
        return ""
    known = list(section.model_fields)
    alike = get_close_matches(str(place[-1]), known, n=1)
    return f"; did you mean {alike[0]}?" if alike else f"; there are: {', '.join(known)}"


def _at(annotation: Any, step: int | str) -> Any:
    """The type of what stands under a key, or at an index."""
    section = _section(annotation)
    if section is not None:
        found = section.model_fields.get(str(step))
        return None if found is None else found.annotation
    return next((part for part in reversed(get_args(annotation)) if _section(part) is not None), None)


def _section(annotation: Any) -> type[Section] | None:
    """The one section an annotation stands for; None stands beside optional ones."""
    parts = [annotation, *get_args(annotation)] if get_origin(annotation) in (None, UnionType) else []
    return next((part for part in parts if isinstance(part, type) and issubclass(part, Section)), None)
