"""What was delivered, newest first, as much as fits."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["mail", "sms", "push"]
KINDS: tuple[Kind, ...] = ("mail", "sms", "push")
MAX_KEPT = 500


@dataclass(slots=True)
class MessageStore:
    """Of this process: a restart empties it."""

    _kept: Mapping[Kind, deque[dict[str, Any]]] = field(
        default_factory=lambda: {kind: deque(maxlen=MAX_KEPT) for kind in KINDS}
    )

    def add(self, kind: Kind, message: dict[str, Any], *, key: str) -> bool:
        """False, and nothing kept, for a key that is here already: providers drop copies."""
        kept = self._kept[kind]
        if any(known["key"] == key for known in kept):
            return False
        kept.appendleft({"key": key, **message})
        return True

    def newest(self, kind: Kind, to: str | None = None) -> list[dict[str, Any]]:
        """All of a kind, or those to one recipient."""
        return [message for message in self._kept[kind] if to in (None, message["to"])]
