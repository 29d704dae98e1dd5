"""The fetches of a plan, run symbolically in their order: inputs before use, keys, documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphql import (
    FieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    validate,
)

from router.operation.model import Guard
from router.plan.nodes import (
    BatchFetch,
    EntityBatch,
    Fetch,
    FlattenPath,
    Key,
    OnTypes,
    RenameKey,
    RequiredField,
    RequiredFragment,
    RequiredSelection,
    SetValue,
)
from router.plan.text import print_path
from tests.kit.plan_checker.document import DocumentRun, fragments
from tests.kit.plan_checker.facts import Facts
from tests.kit.plan_checker.positions import Guards, Meaning, Position, follow, merge


class FetchCheck:
    def __init__(self, facts: Facts, root: Position) -> None:
        self._facts = facts
        self._root = root
        self._depends_on: dict[int, frozenset[int]] = {}

    # --- running a fetch -------------------------------------------------------------------------------------------

    def run(self, node: Fetch | BatchFetch, path: FlattenPath, guards: Guards) -> None:
        direct = frozenset(node.depends_on)
        for number in direct - self._depends_on.keys():
            self._facts.fault(f"fetch {node.id} depends on fetch {number}, which does not come before it")
        self._depends_on[node.id] = direct.union(*(self._depends_on.get(n, frozenset()) for n in direct))
        subgraph = self._facts.supergraph.subgraphs[node.service]
        document = parse(node.operation)
        for error in validate(subgraph.schema, document):
            self._facts.fault(f"fetch {node.id} is not valid in {node.service}: {error.message}: {node.operation}")
            return
        definition = document.definitions[0]
        assert isinstance(definition, OperationDefinitionNode)
        self._check_variables(node, definition)
        if isinstance(node, Fetch) and not node.requires:
            for position, types in self._at(path, node.id):
                self._run_root(node, definition, position, types, guards)
            return
        for entry, selections in _entries(node, definition, path):
            guards = guards | ({Guard(entry.include_if, True)} if entry.include_if else frozenset())
            for path in entry.paths:
                if isinstance(node, Fetch):
                    self._check_context(node, path)
                for position, types in self._served(node, entry, self._at(path, node.id)):
                    self._run_entities(node, entry, selections, position, types, guards)

    def _served(
        self, node: Fetch | BatchFetch, entry: EntityBatch, places: list[tuple[Position, frozenset[str]]]
    ) -> list[tuple[Position, frozenset[str]]]:
        """Whom the fetch is for. Objects of one type may stand at one path in two ways; those for which the inputs are
        not brought in time may be left out at run time and must have everything already, which is seen in the end.
        Where nobody has the inputs, all stay, and a fault is found."""
        known = self._depends_on[node.id]
        ready = [
            frozenset(t for t in types if self._has_inputs(entry.requires, position, t, known))
            for position, types in places
        ]
        some = frozenset[str]().union(*ready)
        return [(p, own | (types - some)) for (p, types), own in zip(places, ready, strict=True)]

    def _has_inputs(
        self, requires: Iterable[RequiredSelection], position: Position, type_name: str, known: frozenset[int]
    ) -> bool:
        entries = position.entries.get(type_name, {})
        for item in self._required_for(requires, type_name):
            if item.name == "__typename":
                continue
            entry = entries.get(item.source_key)
            if entry is None or not any(source in known for source, _ in entry.sources):
                return False
            if entry.below is not None and not all(
                self._has_inputs(item.selections, entry.below, t, known)
                for t in entry.below.types - self._facts.unshared_members(type_name, item.name)
            ):
                return False
        return True

    def _check_variables(self, node: Fetch | BatchFetch, definition: OperationDefinitionNode) -> None:
        own = {entry.variable for entry in node.entries} if isinstance(node, BatchFetch) else {"representations"}
        contextual = {r.variable for r in node.context_rewrites} if isinstance(node, Fetch) else set()
        declared = {d.variable.name.value for d in definition.variable_definitions or ()} - own - contextual
        if declared != set(node.variables):
            self._facts.fault(f"fetch {node.id} declares {sorted(declared)} and names {sorted(node.variables)}")

    def _run_root(
        self,
        node: Fetch,
        definition: OperationDefinitionNode,
        position: Position,
        types: frozenset[str],
        guards: Guards,
    ) -> None:
        run = DocumentRun(self._facts, node.service, node.id, fragments(node.operation))
        for type_name in types:
            brought = Position(frozenset({type_name}))
            run.select(definition.selection_set, brought, guards, (), frozenset())
            self._rename(brought, node.output_rewrites)
            merge(position, brought, type_name)

    def _run_entities(
        self,
        node: Fetch | BatchFetch,
        entry: EntityBatch,
        selections: SelectionSetNode,
        position: Position,
        types: frozenset[str],
        guards: Guards,
    ) -> None:
        named = fragments(node.operation)
        for type_name in sorted(types):
            required = self._required_for(entry.requires, type_name)
            if not required:
                continue
            sent_as = self._sent_as(entry, type_name)
            sent = {
                item.name: self._check_input(node, item, position, type_name, guards)
                for item in required
                if item.name != "__typename"
            }
            joined = self._facts.supergraph.types[sent_as].by_subgraph.get(node.service)
            keys = [k for k in joined.keys if k.is_resolvable] if joined else []
            complete = [k for k in keys if self._facts.covers(sent, k.fields, sent_as, node.service)]
            if not complete:
                self._facts.fault(f"fetch {node.id} sends {sent_as} to {node.service} without a key: {sorted(sent)}")
                continue
            run = DocumentRun(self._facts, node.service, node.id, named)
            brought = Position(frozenset({type_name}))
            run.sent = (sent_as, sent)
            if isinstance(node, Fetch):
                run.contextual = frozenset(r.variable for r in node.context_rewrites)
            run.select(selections, brought, guards, (), frozenset(), static_type=sent_as)
            self._rename(brought, entry.output_rewrites)
            merge(position, brought, type_name)

    def _check_context(self, node: Fetch, path: FlattenPath) -> None:
        """Every variable must be found above the entities, brought by a fetch this one depends on."""
        keys = [index for index, step in enumerate(path) if isinstance(step, Key)]
        for variable in {r.variable for r in node.context_rewrites}:
            found = False
            for rewrite in node.context_rewrites:
                if rewrite.variable != variable or rewrite.up > len(keys):
                    continue
                above = path[: keys[len(keys) - rewrite.up]]
                last = rewrite.path[-1]
                for position, types in follow(
                    self._root, self._root.types, (*above, *rewrite.path[:-1]), self._facts.is_subtype
                ):
                    for type_name in types:
                        entry = position.entries.get(type_name, {}).get(last.name if isinstance(last, Key) else "")
                        known = self._depends_on[node.id]
                        found = found or (entry is not None and any(s in known for s, _ in entry.sources))
            if not found:
                self._facts.fault(f"fetch {node.id} finds nothing above {print_path(path)} for ${variable}")

    def _sent_as(self, entry: EntityBatch, type_name: str) -> str:
        conditions = [r.type_condition for r in entry.requires if isinstance(r, RequiredFragment)]
        sent_as = type_name
        if len(conditions) == 1:  # objects of unknown type are sent as what the condition says
            sent_as = conditions[0]
        for rewrite in entry.input_rewrites:
            on = rewrite.path[0]
            if isinstance(rewrite, SetValue) and isinstance(on, OnTypes):
                sent_as = rewrite.value if any(self._facts.is_subtype(type_name, n) for n in on.names) else sent_as
        return sent_as

    def _rename(self, brought: Position, rewrites: Iterable[object]) -> None:
        for rewrite in rewrites:
            if not isinstance(rewrite, RenameKey):
                continue
            last = rewrite.path[-1]
            assert isinstance(last, Key)
            for position, types in follow(brought, brought.types, rewrite.path[:-1], self._facts.is_subtype):
                for type_name in types:
                    entry = position.entries.get(type_name, {}).pop(last.name, None)
                    if entry is not None:
                        merge(position, Position(position.types, {type_name: {rewrite.key: entry}}), type_name)

    # --- inputs ----------------------------------------------------------------------------------------------------

    def _required_for(self, requires: Iterable[RequiredSelection], type_name: str) -> list[RequiredField]:
        found: list[RequiredField] = []
        for item in requires:
            if isinstance(item, RequiredField):
                found.append(item)
            elif self._facts.is_subtype(type_name, item.type_condition):
                found.extend(self._required_for(item.selections, type_name))
        return found

    def _check_input(
        self, node: Fetch | BatchFetch, item: RequiredField, position: Position, type_name: str, guards: Guards
    ) -> tuple[Meaning, dict[str, object]] | None:
        """What the field means and what of it is sent; faults when it was not brought in time."""
        entry = position.entries.get(type_name, {}).get(item.source_key)
        where = f"fetch {node.id} needs {type_name}.{item.source_key}"
        if entry is None:
            self._facts.fault(f"{where}, which nothing brings before")
            return None
        known = self._depends_on[node.id]
        if not any(source in known for source, _ in entry.sources):
            self._facts.fault(f"{where} of fetches {[s for s, _ in entry.sources]}, but depends on {sorted(known)}")
        if entry.meaning[0] != item.name and item.source_key == item.name:
            self._facts.fault(f"{where}, but finds {entry.meaning[0]} under that key")
        below: dict[str, object] = {}
        if item.selections and entry.below is not None:
            for inner_type in sorted(entry.below.types - self._facts.unshared_members(type_name, item.name)):
                for inner in self._required_for(item.selections, inner_type):
                    if inner.name == "__typename":
                        continue
                    below[inner.name] = self._check_input(node, inner, entry.below, inner_type, guards)
        return entry.meaning, below

    # --- positions -------------------------------------------------------------------------------------------------

    def _at(self, path: FlattenPath, number: int) -> list[tuple[Position, frozenset[str]]]:
        found = list(follow(self._root, self._root.types, path, self._facts.is_subtype))
        if not found:
            self._facts.fault(f"fetch {number} starts at {print_path(path)}, where there is nothing")
        return found


def _entries(
    node: Fetch | BatchFetch, definition: OperationDefinitionNode, path: FlattenPath
) -> Iterator[tuple[EntityBatch, SelectionSetNode]]:
    by_key = {
        (n.alias or n.name).value: n.selection_set
        for n in definition.selection_set.selections
        if isinstance(n, FieldNode) and n.selection_set is not None
    }
    if isinstance(node, BatchFetch):
        for entry in node.entries:
            yield entry, by_key[entry.alias]
        return
    single = EntityBatch(
        "_entities", "representations", (path,), node.requires, node.input_rewrites, node.output_rewrites
    )
    yield single, by_key["_entities"]
