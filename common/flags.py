"""Feature flags: what is switched without a release, for everybody or for a share of customers.

    flags = Flags(settings.flags)                  # JSON text, or the path of a JSON file that may change meanwhile
    flags.is_on(GUEST_ORDERS, subject="usr_…")

A flag is declared where it is used, as a `Flag` with its default. The file gives true, false, or a percentage of
subjects, which is stable: who has a feature at 10 % still has it at 20 %. A flag that is not in the file has its
default; a file that cannot be read, or has become wrong, changes nothing and is logged once.

OpenFeature's SDK was looked at: its registry of providers is a global of the process, where several subgraphs may live.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from common.clock import Clock, SystemClock

logger = logging.getLogger(__name__)
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Flag:
    name: str  #: kebab-case
    default: bool
    about: str


class InvalidFlagsError(ValueError):
    """Says what is wrong with which flag."""


class Flags:
    """Values by name. Raises InvalidFlagsError when they are wrong from the beginning."""

    def __init__(self, source: str = "", *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        is_text = not source or source.lstrip().startswith("{")
        self._path = None if is_text else Path(source)
        self._changed_at_ns = 0
        self._looked_at = self._clock.monotonic()
        self._has_complained = False
        self._shares: Mapping[str, float] = {}
        if self._path is None:
            self._shares = read_flags(source.encode() or b"{}")
        else:
            self._read(self._path)

    def is_on(self, flag: Flag, *, subject: str = "") -> bool:
        """`subject` is whom a percentage is drawn for, such as a user's id."""
        if self._path is not None and self._clock.monotonic() - self._looked_at >= _LOOK_EVERY_S:
            self._look_again(self._path)
        share = self._shares.get(flag.name)
        if share is None:
            return flag.default
        return share >= 1.0 or (share > 0.0 and _place(flag.name, subject) < share)

    def _look_again(self, path: Path) -> None:
        self._looked_at = self._clock.monotonic()
        try:
            if path.stat().st_mtime_ns != self._changed_at_ns:
                self._read(path)
                self._has_complained = False
        except (OSError, InvalidFlagsError) as exc:
            if not self._has_complained:
                logger.warning("feature flags stay as they are: %s", exc)
            self._has_complained = True

    def _read(self, path: Path) -> None:
        try:
            changed_at_ns, text = path.stat().st_mtime_ns, path.read_bytes()
        except OSError as exc:
            raise InvalidFlagsError(f"{path}: {exc.strerror}") from exc
        self._shares = read_flags(text)
        self._changed_at_ns = changed_at_ns


def read_flags(text: bytes) -> dict[str, float]:
    """`{"name": true | false | {"percent": 0 to 100}}` to shares, 0 to 1. Raises InvalidFlagsError."""
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidFlagsError(f"feature flags are not JSON: {exc}") from exc
    if not isinstance(content, dict):
        raise InvalidFlagsError('feature flags are an object such as {"guest-orders": false}')
    return {name: _share(name, value) for name, value in content.items()}


def _share(name: str, value: object) -> float:
    if isinstance(value, bool):
        return float(value)
    percent = value.get("percent") if isinstance(value, dict) and value.keys() == {"percent"} else None
    if isinstance(percent, int | float) and not isinstance(percent, bool) and 0 <= percent <= 100:
        return percent / 100
    raise InvalidFlagsError(f'{name}: expected true, false or {{"percent": 0 to 100}}')


def _place(name: str, subject: str) -> float:
    """0 to 1, evenly spread, another for each flag."""
    digest = hashlib.blake2b(f"{name}\0{subject}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / (1 << 64)
