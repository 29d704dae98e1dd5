"""An entity fetch: objects found in the data, looked up by their representations, joined with what comes back.

One request may look up several sets of objects (`BatchFetch`); a plain entity fetch looks up one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from msgspec import Struct

from router.execution.collect import Collector, JsonObject, ResponsePath
from router.execution.context_arguments import ContextGroups, group_by_context
from router.execution.errors import response_path
from router.execution.merge import Merging, copy_json, merge_into
from router.execution.outgoing import Outgoing
from router.execution.representations import SKIPPED, Representations, RepresentationWriter
from router.execution.response import malformed_answer
from router.execution.run import Run
from router.plan.nodes import ContextRewrite


@dataclass(frozen=True, slots=True)
class EntityEntry:
    """One `_entities` field: the objects it is for, what is sent of them, how answers are joined to them."""

    alias: str
    variable: str
    collectors: tuple[Collector, ...]
    writer: RepresentationWriter
    merging: Merging
    #: the variable that switches the field: the client's, or one of our own that says whether there is anything to ask
    include_if: str | None


@dataclass(frozen=True, slots=True)
class EntityStep:
    outgoing: Outgoing
    operation: str
    entries: tuple[EntityEntry, ...]
    context_rewrites: tuple[ContextRewrite, ...]

    async def run(self, run: Run) -> None:
        if self.context_rewrites:
            await self._run_by_context(run)
            return
        lookups = []
        for entry in self.entries:
            is_off = entry.include_if is not None and run.variables.get(entry.include_if, True) is not True
            found = [[] if is_off else collector.collect(run.data) for collector in entry.collectors]
            objects = found[0] if len(found) == 1 else [value for part in found for value in part]
            lookups.append(_Lookup(entry, objects, [len(part) for part in found], entry.writer.write(objects)))
        await self._look_up(run, lookups, {})

    async def _run_by_context(self, run: Run) -> None:
        """`@fromContext` arguments are variables of the whole request: one request for each set of values."""
        for entry in self.entries:
            groups: ContextGroups = group_by_context(
                entry.collectors, self.context_rewrites, run.data, entry.merging.schema
            )
            for values, objects in groups:
                lookup = _Lookup(entry, objects, [1] * len(objects), entry.writer.write(objects))
                await self._look_up(run, [lookup], values)

    async def _look_up(self, run: Run, lookups: Sequence[_Lookup], more: Mapping[str, Any]) -> None:
        sent: dict[str, Any] = dict(more)
        is_needed = False
        for lookup in lookups:
            items = lookup.representations.items
            sent[lookup.entry.variable] = items
            switch = lookup.entry.include_if
            if switch is not None and switch not in run.variables:
                sent[switch] = bool(items)
            is_needed = is_needed or bool(items)
        if not is_needed:
            return
        answer = await self.outgoing.send(run, sent)
        if answer.errors:
            places = {lookup.entry.alias: lookup.paths_by_slot(run) for lookup in lookups}
            for error in answer.errors:
                self._add_error(run, lookups, places, error)
        if answer.data is not None:
            for lookup in lookups:
                reason = lookup.merge(run, answer.data.get(lookup.entry.alias))
                # a subgraph may null the whole list, if it says why
                if reason is not None and not answer.errors:
                    (error,) = malformed_answer(self.outgoing.subgraph, reason).errors
                    self._add_error(run, [lookup], {}, error)

    def _add_error(
        self,
        run: Run,
        lookups: Sequence[_Lookup],
        places: Mapping[str, Mapping[int, Sequence[ResponsePath]]],
        error: Mapping[str, Any],
    ) -> None:
        """`places` are the paths of objects by alias and slot."""
        subgraph = self.outgoing.subgraph
        match response_path(error.get("path")):
            case (str(alias), int(slot), *rest) if found := places.get(alias, {}).get(slot):
                merging = next(lookup.entry.merging for lookup in lookups if lookup.entry.alias == alias)
                tail = merging.client_path(tuple(rest))
                for path in found:
                    run.add_error(error, path + tail, subgraph)
                return
        # it is about the whole request: once, where the objects have their common root
        run.known_failures.extend(lookup.static_prefix for lookup in lookups)
        run.add_error(error, lookups[0].static_prefix, subgraph)


_ENTITY_CLASSES = frozenset({dict, type(None)})
_CONTAINER_CLASSES = frozenset({dict, list})


def _is_flat(entities: Sequence[JsonObject | None]) -> bool:
    """Nothing in them but leaves: then objects that get the same entity share nothing that could be changed."""
    values = chain.from_iterable(entity.values() for entity in entities if entity is not None)
    return _CONTAINER_CLASSES.isdisjoint(map(type, values))


class _Lookup(Struct, frozen=True):
    """One `_entities` field of one request."""

    entry: EntityEntry
    objects: Sequence[JsonObject]
    counts: Sequence[int]  #: how many of the objects each path brought
    representations: Representations

    @property
    def static_prefix(self) -> ResponsePath:
        return self.entry.collectors[0].static_prefix

    def merge(self, run: Run, entities: object) -> str | None:
        """Join each entity to its objects. Gives the reason when `entities` is not what was asked for."""
        items = self.representations.items
        if not items:
            return None
        if not isinstance(entities, list) or len(entities) != len(items):
            return "_entities is not a list with one item for each representation"
        if not _ENTITY_CLASSES.issuperset(map(type, entities)):
            return "an entity is not an object"
        merging = self.entry.merging
        if merging.rewrites:
            for entity in entities:
                if entity is not None:
                    merging.rewrite(entity)
        slots = self.representations.slots
        if isinstance(slots, range):
            for value, entity in zip(self.objects, entities, strict=True):
                if entity is not None:
                    if value.keys().isdisjoint(entity):
                        value.update(entity)
                    else:
                        merge_into(value, entity, merging.abstract_names)
            return None
        if not _is_flat(entities):
            run.has_shared = True
            if len(self.counts) > 1:
                self._merge_apart(entities)
                return None
        for value, slot in zip(self.objects, slots, strict=True):
            if slot != SKIPPED and (entity := entities[slot]) is not None:
                if value.keys().isdisjoint(entity):
                    value.update(entity)
                else:
                    merge_into(value, entity, merging.abstract_names)
        return None

    def _merge_apart(self, entities: Sequence[JsonObject | None]) -> None:
        """Objects at one path get the same later fetches and may share what is below them; objects at another path
        may later be given other values under the same response keys, so they get a copy."""
        start = 0
        for count in self.counts:
            own: dict[int, JsonObject | None] = {}
            for value, slot in zip(
                self.objects[start : start + count], self.representations.slots[start : start + count], strict=True
            ):
                if slot == SKIPPED:
                    continue
                if slot not in own:
                    own[slot] = entities[slot] if start == 0 else copy_json(entities[slot])
                entity = own[slot]
                if entity is not None:
                    merge_into(value, entity, self.entry.merging.abstract_names)
            start += count

    def paths_by_slot(self, run: Run) -> Mapping[int, Sequence[ResponsePath]]:
        """Response paths of the objects, by the representation they were sent as."""
        slot_by_id = dict(zip(map(id, self.objects), self.representations.slots, strict=True))
        paths: dict[int, list[ResponsePath]] = {}
        for collector in self.entry.collectors:
            for path, line in collector.collect_with_paths(run.data):
                slot = slot_by_id.get(id(line[-1]), SKIPPED)
                if slot != SKIPPED:
                    paths.setdefault(slot, []).append(path)
        return paths
