"""One fetch of a plan, compiled: what is sent, where the answer goes, whose errors are whose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import FieldNode, GraphQLSchema, OperationDefinitionNode, parse

from router.execution.collect import Collector, JsonObject, ResponsePath, compile_collector
from router.execution.context_arguments import ContextGroups, group_by_context
from router.execution.errors import response_path
from router.execution.json import dump_json
from router.execution.merge import copy_json, merge_into
from router.execution.representations import SKIPPED, Representations, RepresentationWriter
from router.execution.response import SubgraphAnswer, failed_answer, malformed_answer, read_response
from router.execution.rewrites import apply_rewrite
from router.execution.run import Run
from router.execution.schedule import ScheduledFetch
from router.operation.model import Guard, OperationKind
from router.plan.nodes import BatchFetch, ContextRewrite, EntityBatch, Fetch, Key, RenameKey, Rewrite
from router.supergraph.model import Supergraph
from router.transport.errors import TransportError
from router.transport.model import SubgraphRequest


class Step(Protocol):
    async def run(self, run: Run) -> None:
        """Never raises because of a subgraph: what goes wrong becomes errors of the run."""
        ...


def compile_step(fetch: ScheduledFetch, supergraph: Supergraph) -> Step:
    step = _compile_fetch(fetch, supergraph)
    return GuardedStep(fetch.guards, step) if fetch.guards else step


def compile_root_step(node: Fetch, supergraph: Supergraph) -> RootStep:
    return RootStep(Outgoing.of(node), Merging.of(node.output_rewrites, supergraph), node.operation)


def _compile_fetch(fetch: ScheduledFetch, supergraph: Supergraph) -> Step:
    node = fetch.node
    if isinstance(node, Fetch) and not node.requires:
        return compile_root_step(node, supergraph)
    target = supergraph.subgraphs[node.service].schema
    if isinstance(node, BatchFetch):
        entries: Sequence[EntityBatch] = node.entries
        context_rewrites: tuple[ContextRewrite, ...] = ()
    else:
        context_rewrites = node.context_rewrites
        entries = [
            EntityBatch(
                alias="_entities",
                variable="representations",
                paths=(fetch.path,),
                requires=node.requires,
                input_rewrites=node.input_rewrites,
                output_rewrites=node.output_rewrites,
            )
        ]
    return EntityStep(
        Outgoing.of(node),
        tuple(
            EntityEntry(
                alias=entry.alias,
                variable=entry.variable,
                collectors=tuple(compile_collector(path, supergraph.schema) for path in entry.paths),
                writer=RepresentationWriter(entry.requires, entry.input_rewrites, supergraph.schema, target),
                merging=Merging.of(entry.output_rewrites, supergraph),
                include_if=entry.include_if,
            )
            for entry in entries
        ),
        context_rewrites,
    )


# --- sending -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The request of a fetch, as far as it is known before the variables are."""

    subgraph: str
    head: bytes  #: the JSON body up to the value of `variables`
    constant_body: bytes | None  #: the whole body when no variables are sent
    variables: tuple[str, ...]
    is_repeatable: bool

    @classmethod
    def of(cls, node: Fetch | BatchFetch) -> Outgoing:
        head = b'{"query":' + dump_json(node.operation)
        if node.operation_name is not None:
            head += b',"operationName":' + dump_json(node.operation_name)
        is_constant = isinstance(node, Fetch) and not node.variables and not node.requires
        is_query = isinstance(node, BatchFetch) or node.kind is not OperationKind.MUTATION
        return cls(
            node.service, head + b',"variables":', head + b"}" if is_constant else None, node.variables, is_query
        )

    def request(self, run: Run, more: Mapping[str, Any]) -> SubgraphRequest:
        body = self.constant_body
        if body is None:
            # a variable the client left out, and that has no default, is left out again
            given = {name: run.variables[name] for name in self.variables if name in run.variables}
            body = self.head + dump_json({**more, **given}) + b"}"
        return SubgraphRequest(self.subgraph, body, run.context.headers_for(self.subgraph), self.is_repeatable)

    async def send(self, run: Run, more: Mapping[str, Any]) -> SubgraphAnswer:
        try:
            response = await run.context.clients[self.subgraph].send(self.request(run, more))
        except TransportError as exc:
            return failed_answer(exc, self.subgraph)
        return read_response(response, self.subgraph)


@dataclass(frozen=True, slots=True)
class GuardedStep:
    guards: tuple[Guard, ...]
    step: Step

    async def run(self, run: Run) -> None:
        if all(bool(run.variables.get(guard.variable)) == guard.expected for guard in self.guards):
            await self.step.run(run)


# --- merging -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Merging:
    """How answers of a fetch become part of the data."""

    rewrites: tuple[Rewrite, ...]
    renamed: Mapping[str, str]  #: response keys the planner invented -> the client's, for the paths of errors
    schema: GraphQLSchema
    abstract_names: frozenset[str]

    @classmethod
    def of(cls, rewrites: tuple[Rewrite, ...], supergraph: Supergraph) -> Merging:
        renamed = {
            rewrite.path[-1].name: rewrite.key
            for rewrite in rewrites
            if isinstance(rewrite, RenameKey) and isinstance(rewrite.path[-1], Key)
        }
        abstract = frozenset(name for name, info in supergraph.types.items() if info.kind in ("interface", "union"))
        return cls(rewrites, renamed, supergraph.schema, abstract)

    def rewrite(self, value: JsonObject) -> None:
        for rewrite in self.rewrites:
            apply_rewrite(rewrite, rewrite.path, value, self.schema)

    def client_path(self, path: ResponsePath) -> ResponsePath:
        if not self.renamed:
            return path
        return tuple(self.renamed.get(step, step) if isinstance(step, str) else step for step in path)


# --- root fetches --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RootStep:
    outgoing: Outgoing
    merging: Merging
    operation: str

    async def run(self, run: Run) -> None:
        self.take(run, await self.outgoing.send(run, {}))

    def take(self, run: Run, answer: SubgraphAnswer) -> None:
        if answer.data is not None:
            self.merging.rewrite(answer.data)
            merge_into(run.data, answer.data, self.merging.abstract_names)
        for error in answer.errors:
            path = self.merging.client_path(response_path(error.get("path")))
            run.add_error(error, path, self.outgoing.subgraph) if path else self._add_error(run, error)

    def _add_error(self, run: Run, error: Mapping[str, Any]) -> None:
        """An error without a path is about all that the fetch should have brought."""
        document = parse(self.operation, no_location=True)
        selections = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode)).selection_set
        keys = {(n.alias or n.name).value for n in selections.selections if isinstance(n, FieldNode)}
        paths = [self.merging.client_path((key,)) for key in keys]
        run.known_failures.extend(paths)
        run.add_error(error, paths[0] if len(paths) == 1 else None, self.outgoing.subgraph)


# --- entity fetches ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EntityEntry:
    """One `_entities` field: the objects it is for, what is sent of them, how answers are joined to them."""

    alias: str
    variable: str
    collectors: tuple[Collector, ...]
    writer: RepresentationWriter
    merging: Merging
    include_if: str | None


@dataclass(frozen=True, slots=True)
class EntityStep:
    outgoing: Outgoing
    entries: tuple[EntityEntry, ...]
    context_rewrites: tuple[ContextRewrite, ...]

    async def run(self, run: Run) -> None:
        if self.context_rewrites:
            await self._run_by_context(run)
            return
        lookups = []
        for entry in self.entries:
            found = [collector.collect(run.data) for collector in entry.collectors]
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
            if lookup.entry.include_if is not None:
                sent[lookup.entry.include_if] = bool(items)
            is_needed = is_needed or bool(items)
        if not is_needed:
            return
        answer = await self.outgoing.send(run, sent)
        for error in answer.errors:
            self._add_error(run, lookups, error)
        if answer.data is not None:
            for lookup in lookups:
                reason = lookup.merge(run, answer.data.get(lookup.entry.alias))
                # a subgraph may null the whole list, if it says why
                if reason is not None and not answer.errors:
                    (error,) = malformed_answer(self.outgoing.subgraph, reason).errors
                    self._add_error(run, [lookup], error)

    def _add_error(self, run: Run, lookups: Sequence[_Lookup], error: Mapping[str, Any]) -> None:
        subgraph = self.outgoing.subgraph
        match response_path(error.get("path")):
            case (str(alias), int(slot), *rest):
                for lookup in lookups:
                    if lookup.entry.alias == alias:
                        tail = lookup.entry.merging.client_path(tuple(rest))
                        paths = [path + tail for path in lookup.paths_of(run, slot)]
                        for path in paths or [lookup.static_prefix]:
                            run.add_error(error, path, subgraph)
                        return
        # it is about the whole request: once, where the objects have their common root
        run.known_failures.extend(lookup.static_prefix for lookup in lookups)
        run.add_error(error, lookups[0].static_prefix, subgraph)


_ENTITY_CLASSES = frozenset({dict, type(None)})
#: entities looked at to guess whether equal ones will share objects, which only decides how the answer is built
_LOOK_AT = 8


def _has_nested(entity: JsonObject | None) -> bool:
    return entity is not None and any(value.__class__ in (dict, list) for value in entity.values())


@dataclass(frozen=True, slots=True)
class _Lookup:
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
        if not {entity.__class__ for entity in entities} <= _ENTITY_CLASSES:
            return "an entity is not an object"
        merging = self.entry.merging
        if merging.rewrites:
            for entity in entities:
                if entity is not None:
                    merging.rewrite(entity)
        slots = self.representations.slots
        if isinstance(slots, range):
            joined: Iterable[tuple[JsonObject, JsonObject | None]] = zip(self.objects, entities, strict=True)
        else:
            if any(_has_nested(entity) for entity in entities[:_LOOK_AT]):
                run.has_shared = True
            if len(self.counts) > 1:
                self._merge_apart(entities)
                return None
            joined = [
                (value, entities[slot]) for value, slot in zip(self.objects, slots, strict=True) if slot != SKIPPED
            ]
        for value, entity in joined:
            if entity is not None:
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
            end = start + count
            copies = list(entities) if start == 0 else copy_json(list(entities))
            for value, slot in zip(self.objects[start:end], self.representations.slots[start:end], strict=True):
                entity = copies[slot] if slot != SKIPPED else None
                if entity is not None:
                    merge_into(value, entity, self.entry.merging.abstract_names)
            start = end

    def paths_of(self, run: Run, slot: int) -> list[ResponsePath]:
        """Response paths of the objects that were sent as this representation."""
        wanted = {
            id(value) for value, sent in zip(self.objects, self.representations.slots, strict=True) if sent == slot
        }
        return [
            path
            for collector in self.entry.collectors
            for path, line in collector.collect_with_paths(run.data)
            if id(line[-1]) in wanted
        ]
