"""What all sections share: no unknown keys, nothing changes after reading, durations and sizes as people write them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|h|d)\s*")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


class Section(BaseModel):
    """One mapping of the file. Frozen, and closed: a key that does nothing must not look as if it did."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def parse_duration(value: Any) -> Any:
    """`30s`, `100ms`, `1h 30m` -> seconds. Bare numbers are refused: nobody remembers of what."""
    if not isinstance(value, str):
        raise ValueError("a duration is written with its unit, such as 30s or 100ms")
    text = value.strip()
    if not text or _DURATION.sub("", text):
        raise ValueError(f"{value!r} is not a duration such as 30s, 100ms or 1h 30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))


def parse_size(value: Any) -> Any:
    """`400kib`, `2MB` or a bare number -> bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2].lower() not in _BYTES:
        raise ValueError(f"{value!r} is not a size such as 2000000, 400kib or 2mb")
    return int(float(match[1]) * _BYTES[match[2].lower()])


Pause = Annotated[float, BeforeValidator(parse_duration)]  #: seconds
Duration = Annotated[Pause, Field(gt=0)]  #: seconds
Size = Annotated[int, BeforeValidator(parse_size)]  #: bytes
