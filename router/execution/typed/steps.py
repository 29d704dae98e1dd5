"""One fetch on places: what is sent of their objects, what is joined to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Struct
from orjson import Fragment

from router.execution.json import dump_typed
from router.execution.outgoing import Outgoing
from router.execution.typed.errors import SurpriseError
from router.execution.typed.run import Gathering, TypedRun
from router.execution.typed.sent import Sent

#: what decoding, and code that meets what it does not expect, may raise
_SURPRISES = (SurpriseError, msgspec.MsgspecError, UnicodeDecodeError, AttributeError, TypeError, RecursionError)


#: objects, and what is brought to each in the same order
Join: TypeAlias = Callable[[Sequence[Any], Iterable[Any]], None]


@dataclass(frozen=True, slots=True)
class IdleStep:
    """A fetch whose guards do not hold."""

    async def run(self, run: TypedRun) -> None:
        return


@dataclass(frozen=True, slots=True)
class RootFields:
    """A root fetch."""

    outgoing: Outgoing
    decode: Callable[[bytes], Any]
    join: Join

    async def run(self, run: TypedRun) -> None:
        try:
            self.join((run.root,), (await run.ask(self.outgoing, {}, self.decode),))
        except _SURPRISES:
            run.is_stopped = True


@dataclass(frozen=True, slots=True)
class Asking:
    """Objects of one place, in an entity fetch."""

    at: Gathering | None
    sent: Sent
    join: Join
    #: where objects of other places get the same entities as other classes: one entity's JSON -> the part for this one
    decode: Callable[[msgspec.Raw], Any] | None


@dataclass(frozen=True, slots=True)
class Entities:
    """One `_entities` field: askings whose representations look alike stand together."""

    alias: str
    variable: str
    alike: tuple[tuple[Asking, ...], ...]


@dataclass(frozen=True, slots=True)
class EntityFields:
    """An entity fetch."""

    outgoing: Outgoing
    entities: tuple[Entities, ...]
    decode: Callable[[bytes], Any]  #: a field for each of `entities`, in their order: `e0`, `e1`, …

    async def run(self, run: TypedRun) -> None:
        try:
            all_lookups = [[_look_up(run, askings) for askings in one.alike] for one in self.entities]
            counts = [sum([len(lookup.items) for lookup in lookups]) for lookups in all_lookups]
            if any(counts):
                data = await run.ask(self.outgoing, self._sent(all_lookups), self.decode)
                for number, (lookups, count) in enumerate(zip(all_lookups, counts, strict=True)):
                    if count > 0:
                        _join(lookups, getattr(data, f"e{number}"), count)
        except _SURPRISES:
            run.is_stopped = True

    def _sent(self, all_lookups: Sequence[Sequence[_Lookup]]) -> dict[str, Fragment]:
        """Representations by variable."""
        sent = {}
        for one, lookups in zip(self.entities, all_lookups, strict=True):
            items = lookups[0].items if len(lookups) == 1 else [item for lookup in lookups for item in lookup.items]
            sent[one.variable] = Fragment(dump_typed(items))
        return sent


class _Lookup(Struct, frozen=True):
    askings: Sequence[Asking]
    objects: Sequence[Sequence[Any]]  #: of each asking
    items: Sequence[Any]  #: representations
    keys: Sequence[Sequence[Any]] | None  #: of each object of each asking; None when there are no two alike
    unique: Sequence[Any]  #: the key of each item

    def join(self, entities: Sequence[Any]) -> None:
        if self.keys is None:
            (asking,) = self.askings
            asking.join(self.objects[0], entities)
            return
        by_key = dict(zip(self.unique, entities, strict=True))
        for asking, objects, keys in zip(self.askings, self.objects, self.keys, strict=True):
            known = by_key
            if asking.decode is not None:
                known = {key: asking.decode(by_key[key]) for key in dict.fromkeys(keys)}
            asking.join(objects, map(known.__getitem__, keys))


def _join(lookups: Sequence[_Lookup], entities: Any, count: int) -> None:
    """Each gets its part of the entities, of which `count` were asked for."""
    if entities is UNSET or len(entities) != count:
        raise SurpriseError
    start = 0
    for lookup in lookups:
        end = start + len(lookup.items)
        lookup.join(entities if end - start == count else entities[start:end])
        start = end


def _look_up(run: TypedRun, askings: Sequence[Asking]) -> _Lookup:
    objects = [run.objects(asking.at) for asking in askings]
    first = askings[0].sent
    if len(askings) == 1 and askings[0].decode is None and (items := first.write_distinct(objects[0])) is not None:
        return _Lookup(askings, objects, items, None, ())
    keys = [asking.sent.keys(part) for asking, part in zip(askings, objects, strict=True)]
    unique = list(dict.fromkeys(keys[0] if len(keys) == 1 else chain.from_iterable(keys)))
    return _Lookup(askings, objects, first.write(unique), keys, unique)
