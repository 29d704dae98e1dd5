"""A compiled plan's steps and the response's shape -> `TypedPlan`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, defstruct
from msgspec import field as json_field

from router.execution.entity_step import EntityEntry, EntityStep
from router.execution.model import ExecutionContext
from router.execution.root_step import RootStep
from router.execution.run import Run
from router.execution.running import Schedule, Step
from router.execution.shape import Guards, ObjectShape, Source
from router.execution.steps import GuardedStep
from router.execution.typed.asked import AskedDocument
from router.execution.typed.build import Places
from router.execution.typed.errors import NotCoveredError
from router.execution.typed.place import Part, Place, part_class
from router.execution.typed.run import Gathering, TypedRun
from router.execution.typed.sent import compile_sent
from router.execution.typed.steps import Asking, Entities, EntityFields, IdleStep, RootFields
from router.supergraph.model import Supergraph

#: a surprise costs two credits and a run without one earns one; a plan without credit is left to the interpreter for a
#: while, since to try in vain costs more than not to try
_MAX_CREDIT = 16
_PAUSED_RUNS = 1000


@dataclass(slots=True)
class TypedPlan:
    schedule: Schedule[TypedRun]
    make_root: type[Struct]
    introspection: Mapping[str, str]  #: response key -> attribute of the root
    list_count: int
    finishers: Sequence[tuple[Gathering | None, Callable[[Sequence[Struct]], None]]]
    _credit: int = _MAX_CREDIT

    def is_due(self) -> bool:
        """Asked before each run."""
        if self._credit >= 0:
            return True
        self._credit += 1
        return False

    def begin(self, variables: Mapping[str, Any], context: ExecutionContext) -> TypedRun:
        """What `schedule` is to be run on."""
        return TypedRun(variables, context, self.make_root(), self.list_count)

    def finish(self, run: TypedRun, introspection: Mapping[str, Any]) -> Struct | None:
        """The answer, ready to be encoded; None after a surprise."""
        if run.is_stopped:
            self._credit = self._credit - 2 if self._credit >= 2 else -_PAUSED_RUNS
            return None
        if self._credit < _MAX_CREDIT:
            self._credit += 1
        for key, attribute in self.introspection.items():
            setattr(run.root, attribute, introspection.get(key))
        # all are listed before the first is changed: the way to an object may lead through the class of another
        lists = [(run.objects(at), finish) for at, finish in self.finishers]
        for objects, finish in lists:
            finish(objects)
        return run.root


def compile_typed(
    schedule: Schedule[Run], shape: ObjectShape, guards: Guards, supergraph: Supergraph
) -> TypedPlan | None:
    """None when the plan needs what is not covered. Costs some 0.2 ms for each place of the response."""
    try:
        return _Compiler(shape, guards, supergraph).compile(schedule)
    except NotCoveredError:
        return None


class _Compiler:
    """Places first, then, when it is known who brings what, classes and code."""

    def __init__(self, shape: ObjectShape, guards: Guards, supergraph: Supergraph) -> None:
        self._shape = shape
        self._guards = guards
        self._supergraph = supergraph
        self._places = Places(shape, supergraph.schema)
        self._gatherings: dict[int, Gathering] = {}

    def compile(self, schedule: Schedule[Run]) -> TypedPlan:
        finish_steps = [self._place(step) for step in schedule.steps]
        root = self._places.root
        hidden = [place for place in _all_places(root) if place.needs_finish]
        for place in hidden:
            place.is_gathered = True
        steps = [finish() for finish in finish_steps]
        finishers = [(self._gathering(place), place.finisher()) for place in hidden]
        return TypedPlan(
            Schedule(tuple(steps), schedule.wait_counts, schedule.waiting, schedule.is_chain),
            root.decoded,
            {
                one.response_key: root.slots[one.response_key].attribute
                for one in self._shape.fields
                if one.source is Source.INTROSPECTION
            },
            len(self._gatherings),
            finishers,
        )

    def _place(self, step: Step[Run]) -> Callable[[], Step[TypedRun]]:
        """Adds what a step brings to the places; what is given back makes the typed step later."""
        match step:
            case GuardedStep():
                for guard in step.guards:
                    if guard.variable not in self._guards:
                        raise NotCoveredError("a guard that is not the client's")
                    if self._guards[guard.variable] != guard.expected:
                        return IdleStep
                return self._place(step.step)
            case RootStep() if not step.merging.rewrites:
                return self._place_root(step)
            case EntityStep() if not step.context_rewrites:
                return self._place_entities(step)
        raise NotCoveredError("a kind of step")

    def _place_root(self, step: RootStep) -> Callable[[], RootFields]:
        document = self._document(step.outgoing.subgraph, step.operation)
        part = self._places.bring(self._places.root, document, document.selections, document.root.name)

        def finish() -> RootFields:
            return RootFields(step.outgoing, _response_decoder(part_class(part.fields)), part.joiner())

        return finish

    def _place_entities(self, step: EntityStep) -> Callable[[], EntityFields]:
        document = self._document(step.outgoing.subgraph, step.operation)
        root_fields = document.fields(document.selections, document.root.name)
        placed: list[list[tuple[Place, Part, Any]]] = []
        for entry in step.entries:
            if entry.merging.rewrites or entry.include_if is not None:
                raise NotCoveredError("rewrites of entities, or a switch")
            asked = root_fields.get(entry.alias)
            if asked is None:
                raise NotCoveredError("entities that are not asked for")
            placed.append([])
            for place in self._places_of(entry):
                sent = entry.writer.sent_as(place.type_name if place.is_named else None)
                if sent is not None:
                    part = self._places.bring(place, document, asked.selections, sent.name)
                    place.is_gathered = True
                    placed[-1].append((place, part, sent))

        def finish() -> EntityFields:
            made = [self._entities(entry, parts) for entry, parts in zip(step.entries, placed, strict=True)]
            fields = [
                (f"e{n}", kind | UnsetType, json_field(default=UNSET, name=entities.alias))
                for n, (entities, kind) in enumerate(made)
            ]
            data = defstruct("Data", fields, kw_only=True, gc=False)
            return EntityFields(step.outgoing, tuple(entities for entities, _ in made), _response_decoder(data))

        return finish

    def _places_of(self, entry: EntityEntry) -> list[Place]:
        found = [place for collector in entry.collectors for place in self._places.resolve(collector.path)]
        if len({id(place) for place in found}) < len(found):
            raise NotCoveredError("one place twice")
        return found

    def _entities(self, entry: EntityEntry, placed: Sequence[tuple[Place, Part, Any]]) -> tuple[Entities, Any]:
        """With the annotation of the list."""
        kinds = {part.fields for _, part, _ in placed}
        is_uniform = len(kinds) == 1
        alike: dict[tuple[object, ...], list[Asking]] = {}
        for place, part, sent_as in placed:
            sent = compile_sent(place, sent_as, self._supergraph.schema)
            decode = None if is_uniform else msgspec.json.Decoder(part_class(part.fields) | None).decode
            alike.setdefault(sent.kind, []).append(Asking(self._gathering(place), sent, part.joiner(), decode))
        item: Any = (part_class(kinds.pop()) | None) if is_uniform else msgspec.Raw
        return Entities(entry.alias, entry.variable, tuple(map(tuple, alike.values()))), list[item]

    def _gathering(self, place: Place) -> Gathering | None:
        if place.above is None:
            return None
        known = self._gatherings.get(id(place))
        if known is None:
            base = self._gathering(place.base)
            known = self._gatherings[id(place)] = Gathering(len(self._gatherings), base, place.gatherer())
        return known

    def _document(self, subgraph: str, operation: str) -> AskedDocument:
        return AskedDocument(operation, self._supergraph.subgraphs[subgraph].schema, self._guards)


def _all_places(root: Place) -> list[Place]:
    found = [root]
    for place in found:
        found += [member for slot in place.slots.values() for member in slot.members]
    return found


def _response_decoder(data: Any) -> Callable[[bytes], Any]:
    """Of a whole body, in which errors are a surprise."""
    fields: list[Any] = [("data", data), ("errors", Annotated[list[Any], Meta(max_length=0)] | None, None)]
    return msgspec.json.Decoder(defstruct("Response", fields, gc=False)).decode
