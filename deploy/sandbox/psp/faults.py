"""Troubles on request: lost answers, errors after the deed, slowness, and webhooks that come twice, late and forged.

Decided by a random generator of its own seed, so that a run can be repeated. An amount can ask for one trouble too:
x.91 answers after ten seconds, x.92 charges and drops the connection, x.93 charges and answers 500; each once per
idempotency key, as a repetition under the key is how one finds out.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from deploy.sandbox.psp.errors import invalid

SLOW_S = 10.0


class Fault(StrEnum):
    #: the answer comes after `slow_s`
    SLOW = "SLOW"
    #: the connection is dropped after the deed
    LOST = "LOST"
    #: HTTP 500 after the deed
    ERROR = "ERROR"


_BY_AMOUNT: Mapping[int, Fault] = {91: Fault.SLOW, 92: Fault.LOST, 93: Fault.ERROR}


@dataclass(slots=True)
class WebhookFaults:
    """How the messages to endpoints are troubled. Ratios add messages beside the good one, which still comes."""

    copies: int = 1
    is_shuffled: bool = False
    stale_ratio: float = 0.0
    forged_ratio: float = 0.0


@dataclass(slots=True)
class Faults:
    """Ratios are shares of the requests that move money or hold it."""

    lose_ratio: float = 0.0
    error_ratio: float = 0.0
    slow_ratio: float = 0.0
    slow_s: float = SLOW_S
    #: everything is answered by 503 and nothing is done
    is_down: bool = False
    seed: int = 0
    webhooks: WebhookFaults = field(default_factory=WebhookFaults)
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - a repeatable run

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Raises ApiError for names and values that mean nothing."""
        webhooks = wanted.get("webhooks", {})
        _set(self, {name: value for name, value in wanted.items() if name != "webhooks"})
        _set(self.webhooks, webhooks)
        self.dice = random.Random(self.seed)  # noqa: S311 - a repeatable run

    def reset(self) -> None:
        fresh = Faults()
        for each in fields(self):
            setattr(self, each.name, getattr(fresh, each.name))

    def shown(self) -> dict[str, Any]:
        names = [each.name for each in fields(self) if each.name not in ("webhooks", "dice")]
        webhooks = {each.name: getattr(self.webhooks, each.name) for each in fields(self.webhooks)}
        return {**{name: getattr(self, name) for name in names}, "webhooks": webhooks}

    def draw(self, amount_minor: int | None = None) -> Fault | None:
        """The trouble that one request gets, if any; `amount_minor` where the amount may ask for it."""
        if amount_minor is not None and (asked := _BY_AMOUNT.get(amount_minor % 100)):
            return asked
        if not (self.lose_ratio or self.error_ratio or self.slow_ratio):
            return None
        drawn = self.dice.random()
        for fault, ratio in (
            (Fault.LOST, self.lose_ratio),
            (Fault.ERROR, self.error_ratio),
            (Fault.SLOW, self.slow_ratio),
        ):
            if drawn < ratio:
                return fault
            drawn -= ratio
        return None


def _set(record: Any, wanted: Any) -> None:
    known = {each.name: type(getattr(record, each.name)) for each in fields(record) if each.name not in _NOT_SET}
    if not isinstance(wanted, Mapping) or not wanted.keys() <= known.keys():
        raise invalid("parameter_unknown", f"Faults are {', '.join(known)}.")
    for name, value in wanted.items():
        kind = known[name]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not kind:
            raise invalid("parameter_invalid", f"{name} is a {kind.__name__}.")
        setattr(record, name, value)


_NOT_SET = frozenset({"webhooks", "dice"})
