"""`${env.NAME}`, `${env.NAME:-default}` and `${file.PATH}` in values, as Apollo Router expands them.

Keys are never expanded, `$$` is a dollar sign, and a value that is one whole expansion is read again as YAML, so that
`introspection: ${env.INTROSPECTION:-true}` is a boolean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from router.errors import ConfigurationError

_EXPANSION = re.compile(r"\$\$|\$\{(?P<mode>[a-z]+)\.(?P<name>[^}:]+)(?::-(?P<default>[^}]*))?\}")


def expand(value: Any, env: Mapping[str, str], folder: Path, *, is_typed: bool = True) -> Any:
    """The same tree with strings expanded. `${file.…}` is relative to `folder`. Raises ConfigurationError for a
    variable or file that does not exist and has no default. Where every value is text, `is_typed=False` keeps it so:
    a token made of digits is no number."""
    if isinstance(value, dict):
        return {key: expand(item, env, folder, is_typed=is_typed) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, env, folder, is_typed=is_typed) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    expanded = _EXPANSION.sub(lambda match: _replace(match, env, folder), value)
    whole = _EXPANSION.fullmatch(value)
    is_yaml = is_typed and whole is not None and whole["mode"] == "env" and expanded
    return yaml.safe_load(expanded) if is_yaml else expanded


def _replace(match: re.Match[str], env: Mapping[str, str], folder: Path) -> str:
    if match[0] == "$$":
        return "$"
    mode, name, default = match["mode"], match["name"], match["default"]
    if mode == "env":
        found = env.get(name, default)
        if found is None:
            raise ConfigurationError(f"{match[0]}: the environment variable {name} is not set and has no default")
        return found
    if mode == "file":
        try:
            return (folder / name).read_text().strip()
        except (OSError, UnicodeDecodeError) as exc:
            if default is not None:
                return default
            raise ConfigurationError(f"{match[0]}: cannot be read: {exc}") from exc
    raise ConfigurationError(f"{match[0]}: only env and file can be expanded")
