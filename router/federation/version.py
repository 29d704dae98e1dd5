"""Versions and addresses of specifications, as `@link(url:)` writes them (link specification v1.0)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_VERSION = re.compile(r"v(\d+)\.(\d+)")


class LinkError(Exception):
    """A `@link` which cannot be honoured. `code` is one of the composition error codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, order=True)
class Version:
    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Reads `v2.9`. Raises LinkError INVALID_LINK_IDENTIFIER."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise LinkError("INVALID_LINK_IDENTIFIER", f'A version must look like "v1.2", not "{text}".')
        return cls(int(match[1]), int(match[2]))

    def satisfies(self, required: Version) -> bool:
        """Whether a reader of `required` can read this version: before 1.0 every minor version stands alone."""
        if self.major != required.major:
            return False
        return self.minor == required.minor if self.major == 0 else self.minor >= required.minor

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class FeatureUrl:
    """`https://specs.apollo.dev/federation/v2.9`: identity (all before the version), name (its last part), version."""

    identity: str
    name: str
    version: Version

    @classmethod
    def parse(cls, text: str) -> FeatureUrl:
        """Raises LinkError INVALID_LINK_IDENTIFIER."""
        try:
            parts = urlsplit(text)
        except ValueError as exc:
            raise LinkError("INVALID_LINK_IDENTIFIER", f'"{text}" is not a URL.') from exc
        if not parts.scheme:
            raise LinkError("INVALID_LINK_IDENTIFIER", f'"{text}" is not an absolute URL.')
        if parts.path in ("", "/"):
            raise LinkError("INVALID_LINK_IDENTIFIER", f'The feature URL "{text}" has no path.')
        path, _, version = parts.path.rpartition("/")
        if not version:
            raise LinkError("INVALID_LINK_IDENTIFIER", f'The feature URL "{text}" does not end in a version.')
        parsed = Version.parse(version)
        name = path.rpartition("/")[2]
        if not name:
            raise LinkError("INVALID_LINK_IDENTIFIER", f'The feature URL "{text}" has no feature name.')
        host = parts.hostname or ""
        authority = f"//{host}{f':{parts.port}' if parts.port else ''}" if parts.netloc else ""
        return cls(f"{parts.scheme}:{authority}{path}", name, parsed)

    def __str__(self) -> str:
        return f"{self.identity}/{self.version}"
