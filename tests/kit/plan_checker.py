"""Proves a query plan sound, or says where it is not.

In: a supergraph, a normalised operation, its plan. The plan is run symbolically: for every response position and every
runtime type there, which response keys the fetches bring, what they mean (field and arguments), from which fetch, and
under which guards. Checked on the way:

* every document is valid against the schema of its subgraph, and resolvable there: no external field that is neither
  key nor provided, no overridden one, and `@requires` met by the representation;
* every input of a fetch was brought before by a fetch it depends on, means what the field set says, and holds a key;
* every client selection is there in the end, for every runtime type, whenever its guards hold.

It knows nothing of how the planner works and shares only the records of plans and operations with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    parse,
    print_ast,
    validate,
)

from router.graph import parse_field_set
from router.operation.model import Field, Guard, InlineFragment, Operation, Selection
from router.plan.nodes import (
    BatchFetch,
    Condition,
    EachItem,
    EntityBatch,
    Fetch,
    Flatten,
    FlattenPath,
    Key,
    OnTypes,
    PlanNode,
    QueryPlan,
    RenameKey,
    RequiredField,
    RequiredFragment,
    RequiredSelection,
    SetValue,
)
from router.plan.text import print_path
from router.plan.walk import children
from router.supergraph import Supergraph

Guards = frozenset[Guard]
Meaning = tuple[str, str]


@dataclass(slots=True)
class Entry:
    """One response key of one runtime type."""

    meaning: Meaning
    list_depth: int
    below: Position | None
    sources: list[tuple[int, Guards]] = field(default_factory=list)  #: fetch id, guards under which it comes


@dataclass(slots=True)
class Position:
    """Objects at one place of the response."""

    types: frozenset[str]
    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)  #: runtime type -> response key -> entry


@dataclass(frozen=True, slots=True)
class Located:
    """A fetch with where it stands in the plan."""

    node: Fetch | BatchFetch
    path: FlattenPath
    guards: Guards


def check_plan(supergraph: Supergraph, operation: Operation, plan: QueryPlan, labels: Iterable[str] = ()) -> list[str]:
    """What is wrong with the plan, one line each; empty when it is sound."""
    checker = _Checker(supergraph, operation, frozenset(labels))
    if plan.node is not None:
        for located in _locate(plan.node, (), frozenset()):
            checker.run(located)
    checker.check_client(operation.selections, checker.root, frozenset(), operation.kind.value)
    return checker.problems


def _locate(node: PlanNode, path: FlattenPath, guards: Guards) -> Iterator[Located]:
    match node:
        case Fetch() | BatchFetch():
            yield Located(node, path, guards)
        case Flatten():
            yield from _locate(node.node, (*path, *node.path), guards)
        case Condition():
            for clause, expected in ((node.if_clause, True), (node.else_clause, False)):
                if clause is not None:
                    yield from _locate(clause, path, guards | {Guard(node.variable, expected)})
        case _:
            for child in children(node):
                yield from _locate(child, path, guards)


class _Checker:
    def __init__(self, supergraph: Supergraph, operation: Operation, labels: frozenset[str]) -> None:
        self.problems: list[str] = []
        self.root = Position(frozenset({operation.root_type}))
        self._supergraph = supergraph
        self._operation = operation
        self._labels = labels
        self._depends_on: dict[int, frozenset[int]] = {}

    def _fault(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)

    # --- running a fetch -------------------------------------------------------------------------------------------

    def run(self, located: Located) -> None:
        node = located.node
        direct = frozenset(node.depends_on)
        for number in direct - self._depends_on.keys():
            self._fault(f"fetch {node.id} depends on fetch {number}, which does not come before it")
        self._depends_on[node.id] = direct.union(*(self._depends_on.get(n, frozenset()) for n in direct))
        subgraph = self._supergraph.subgraphs[node.service]
        document = parse(node.operation)
        for error in validate(subgraph.schema, document):
            self._fault(f"fetch {node.id} is not valid in {node.service}: {error.message}: {node.operation}")
            return
        definition = document.definitions[0]
        assert isinstance(definition, OperationDefinitionNode)
        self._check_variables(node, definition)
        if isinstance(node, Fetch) and not node.requires:
            for position, types in self._at(located.path, node.id):
                self._run_root(node, definition, position, types, located.guards)
            return
        for entry, selections in _entries(node, definition, located.path):
            guards = located.guards | ({Guard(entry.include_if, True)} if entry.include_if else frozenset())
            for path in entry.paths:
                if isinstance(node, Fetch):
                    self._check_context(node, path)
                for position, types in self._at(path, node.id):
                    self._run_entities(node, entry, selections, position, types, guards)

    def _check_variables(self, node: Fetch | BatchFetch, definition: OperationDefinitionNode) -> None:
        own = {entry.variable for entry in node.entries} if isinstance(node, BatchFetch) else {"representations"}
        contextual = {r.variable for r in node.context_rewrites} if isinstance(node, Fetch) else set()
        declared = {d.variable.name.value for d in definition.variable_definitions or ()} - own - contextual
        if declared != set(node.variables):
            self._fault(f"fetch {node.id} declares {sorted(declared)} and names {sorted(node.variables)}")

    def _run_root(
        self,
        node: Fetch,
        definition: OperationDefinitionNode,
        position: Position,
        types: frozenset[str],
        guards: Guards,
    ) -> None:
        run = _DocumentRun(self, node.service, node.id, _fragments(node.operation))
        for type_name in types:
            brought = Position(frozenset({type_name}))
            run.select(definition.selection_set, brought, guards, (), frozenset())
            self._rename(brought, node.output_rewrites)
            _merge(position, brought, type_name)

    def _run_entities(
        self,
        node: Fetch | BatchFetch,
        entry: EntityBatch,
        selections: SelectionSetNode,
        position: Position,
        types: frozenset[str],
        guards: Guards,
    ) -> None:
        fragments = _fragments(node.operation)
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
            joined = self._supergraph.types[sent_as].by_subgraph.get(node.service)
            keys = [k for k in joined.keys if k.is_resolvable] if joined else []
            complete = [k for k in keys if self._covers(sent, k.fields, sent_as)]
            if not complete:
                self._fault(f"fetch {node.id} sends {sent_as} to {node.service} without a key: {sorted(sent)}")
                continue
            run = _DocumentRun(self, node.service, node.id, fragments)
            brought = Position(frozenset({type_name}))
            run.sent = (sent_as, sent)
            if isinstance(node, Fetch):
                run.contextual = frozenset(r.variable for r in node.context_rewrites)
            run.select(selections, brought, guards, (), frozenset(), static_type=sent_as)
            self._rename(brought, entry.output_rewrites)
            _merge(position, brought, type_name)

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
                for position, types in _follow(
                    self.root, self.root.types, (*above, *rewrite.path[:-1]), self._is_subtype
                ):
                    for type_name in types:
                        entry = position.entries.get(type_name, {}).get(last.name if isinstance(last, Key) else "")
                        known = self._depends_on[node.id]
                        found = found or (entry is not None and any(s in known for s, _ in entry.sources))
            if not found:
                self._fault(f"fetch {node.id} finds nothing above {print_path(path)} for ${variable}")

    def _sent_as(self, entry: EntityBatch, type_name: str) -> str:
        conditions = [r.type_condition for r in entry.requires if isinstance(r, RequiredFragment)]
        sent_as = type_name
        if len(conditions) == 1:  # objects of unknown type are sent as what the condition says
            sent_as = conditions[0]
        for rewrite in entry.input_rewrites:
            on = rewrite.path[0]
            if isinstance(rewrite, SetValue) and isinstance(on, OnTypes):
                sent_as = rewrite.value if any(self._is_subtype(type_name, n) for n in on.names) else sent_as
        return sent_as

    def _rename(self, brought: Position, rewrites: Iterable[object]) -> None:
        for rewrite in rewrites:
            if not isinstance(rewrite, RenameKey):
                continue
            last = rewrite.path[-1]
            assert isinstance(last, Key)
            for position, types in _follow(brought, brought.types, rewrite.path[:-1], self._is_subtype):
                for type_name in types:
                    entry = position.entries.get(type_name, {}).pop(last.name, None)
                    if entry is not None:
                        position.entries[type_name][rewrite.key] = entry

    # --- inputs ----------------------------------------------------------------------------------------------------

    def _required_for(self, requires: Iterable[RequiredSelection], type_name: str) -> list[RequiredField]:
        found: list[RequiredField] = []
        for item in requires:
            if isinstance(item, RequiredField):
                found.append(item)
            elif self._is_subtype(type_name, item.type_condition):
                found.extend(self._required_for(item.selections, type_name))
        return found

    def _check_input(
        self, node: Fetch | BatchFetch, item: RequiredField, position: Position, type_name: str, guards: Guards
    ) -> tuple[Meaning, dict[str, object]] | None:
        """What the field means and what of it is sent; faults when it was not brought in time."""
        entry = position.entries.get(type_name, {}).get(item.source_key)
        where = f"fetch {node.id} needs {type_name}.{item.source_key}"
        if entry is None:
            self._fault(f"{where}, which nothing brings before")
            return None
        known = self._depends_on[node.id]
        if not any(source in known for source, _ in entry.sources):
            self._fault(f"{where} of fetches {[s for s, _ in entry.sources]}, but depends on {sorted(known)}")
        if entry.meaning[0] != item.name and item.source_key == item.name:
            self._fault(f"{where}, but finds {entry.meaning[0]} under that key")
        below: dict[str, object] = {}
        if item.selections and entry.below is not None:
            for inner_type in sorted(entry.below.types):
                for inner in self._required_for(item.selections, inner_type):
                    if inner.name == "__typename":
                        continue
                    below[inner.name] = self._check_input(node, inner, entry.below, inner_type, guards)
        return entry.meaning, below

    def _covers(self, sent: dict[str, tuple[Meaning, dict[str, object]] | None], text: str, type_name: str) -> bool:
        return _has_all(sent, parse_field_set(text, type_name, self._supergraph.types))

    def meets(self, sent: tuple[str, dict[str, tuple[Meaning, dict[str, object]] | None]], text: str) -> bool:
        return self._covers(sent[1], text, sent[0])

    # --- positions -------------------------------------------------------------------------------------------------

    def _at(self, path: FlattenPath, number: int) -> list[tuple[Position, frozenset[str]]]:
        found = list(_follow(self.root, self.root.types, path, self._is_subtype))
        if not found:
            self._fault(f"fetch {number} starts at {print_path(path)}, where there is nothing")
        return found

    def _is_subtype(self, type_name: str, condition: str) -> bool:
        return type_name == condition or type_name in self.objects(condition)

    def objects(self, type_name: str) -> frozenset[str]:
        named = self._supergraph.schema.type_map.get(type_name)
        if named is not None and is_abstract_type(named):
            return frozenset(t.name for t in self._supergraph.schema.get_possible_types(named))
        return frozenset({type_name})

    def is_resolvable(self, type_name: str, field_name: str, subgraph: str) -> bool:
        info = self._supergraph.types.get(type_name)
        declared = info.fields.get(field_name) if info else None
        joined = declared.by_subgraph.get(subgraph) if declared else None
        if info is None or joined is None:
            return False
        keys = info.by_subgraph[subgraph].keys
        if any(field_name in k.fields.replace("{", " ").replace("}", " ").split() for k in keys):
            return True
        if joined.override_label is not None:
            return (joined.override_label in self._labels) == (joined.override is not None)
        return not (joined.is_external or joined.is_used_overridden)

    @property
    def supergraph(self) -> Supergraph:
        return self._supergraph

    def document_fault(self, number: int, text: str) -> None:
        self._fault(f"fetch {number}: {text}")

    # --- the client's shape ----------------------------------------------------------------------------------------

    def check_client(self, selections: Iterable[Selection], position: Position, guards: Guards, path: str) -> None:
        for type_name in sorted(position.types):
            self._check_type(selections, position, type_name, guards, path)

    def _check_type(
        self, selections: Iterable[Selection], position: Position, type_name: str, guards: Guards, path: str
    ) -> None:
        for selection in selections:
            inner = guards | frozenset(selection.guards)
            if isinstance(selection, InlineFragment):
                if self._is_subtype(type_name, selection.type_condition):
                    self._check_type(selection.selections, position, type_name, inner, path)
                continue
            if position is self.root and selection.name.startswith("__"):
                continue
            self._check_field(selection, position, type_name, inner, path)

    def _check_field(self, selection: Field, position: Position, type_name: str, guards: Guards, path: str) -> None:
        where = f"{path}|{type_name}.{selection.response_key}"
        entry = position.entries.get(type_name, {}).get(selection.response_key)
        if entry is None:
            self._fault(f"nothing brings {where}")
            return
        if entry.meaning != _meaning(selection):
            self._fault(f"{where} means {entry.meaning}, not {_meaning(selection)}")
        if not any(given <= guards for _, given in entry.sources):
            self._fault(f"{where} comes only under {[sorted(map(str, g)) for _, g in entry.sources]}")
        if selection.selections and entry.below is not None:
            below = entry.below
            for name in sorted(below.types - self._unshared_members(type_name, selection.name)):
                self._check_type(selection.selections, below, name, guards, where)

    def _unshared_members(self, type_name: str, field_name: str) -> frozenset[str]:
        """Members of the field's union which not every subgraph that has the union knows. They may be left out: where
        several subgraphs can give the field, the answer must not depend on which of them is asked."""
        declared = self._supergraph.types[type_name].fields.get(field_name)
        info = self._supergraph.types.get(declared.type.strip("[]!")) if declared else None
        members = list(info.members.values()) if info else []
        return frozenset().union(*members) - members[0].intersection(*members) if members else frozenset()


class _DocumentRun:
    """One document on one subgraph."""

    def __init__(
        self, checker: _Checker, subgraph: str, number: int, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self._fragments = fragments
        self._checker = checker
        self._subgraph = subgraph
        self._schema: GraphQLSchema = checker.supergraph.subgraphs[subgraph].schema
        self._number = number
        self.contextual: frozenset[str] = frozenset()  #: variables filled from ancestors
        self.sent: tuple[str, dict[str, tuple[Meaning, dict[str, object]] | None]] | None = None

    def select(
        self,
        selection_set: SelectionSetNode,
        position: Position,
        guards: Guards,
        provided: tuple[Selection, ...],
        seen: frozenset[str],
        static_type: str | None = None,
    ) -> None:
        """`static_type` is what the subgraph takes the objects for, where that is an interface object."""
        for type_name in sorted(position.types):
            here = static_type or type_name
            for node, inner in self._fields(selection_set.selections, here, type_name, guards):
                self._field(node, position, type_name, here, inner, provided)

    def _fields(
        self, nodes: Iterable[SelectionNode], here: str, type_name: str, guards: Guards
    ) -> Iterator[tuple[FieldNode, Guards]]:
        for node in nodes:
            inner = guards | _guards(node.directives or ())
            if isinstance(node, FieldNode):
                yield node, inner
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, here, type_name):
                    yield from self._fields(fragment.selection_set.selections, here, type_name, inner)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else here
                if self._applies(condition, here, type_name):
                    yield from self._fields(node.selection_set.selections, here, type_name, inner)

    def _applies(self, condition: str, here: str, type_name: str) -> bool:
        if condition in (here, type_name):
            return True
        named, own = self._schema.type_map.get(condition), self._schema.type_map.get(type_name)
        return (
            named is not None
            and is_abstract_type(named)
            and isinstance(own, GraphQLObjectType)
            and self._schema.is_sub_type(named, own)
        )

    def _field(
        self,
        node: FieldNode,
        position: Position,
        type_name: str,
        here: str,
        guards: Guards,
        provided: tuple[Selection, ...],
    ) -> None:
        name = node.name.value
        key = node.alias.value if node.alias else name
        own = [a for a in node.arguments or () if not self._is_contextual(a)]
        meaning = (name, _arguments(own))
        entries = position.entries.setdefault(type_name, {})
        if name == "__typename":
            if here != type_name and not is_abstract_type(self._type(here)):
                return  # an interface object does not know what it is
            _note(entries, key, Entry(meaning, 0, None), (self._number, guards))
            return
        owner = type_name if self._field_type(type_name, name) is not None else here
        offered = _offered(provided, name, type_name, self._checker)
        if offered is None and not self._checker.is_resolvable(owner, name, self._subgraph):
            self._checker.document_fault(self._number, f"{self._subgraph} cannot resolve {owner}.{name}")
        self._check_requires(owner, name, offered is not None, position)
        declared = self._field_type(owner, name)
        if declared is None:
            self._checker.document_fault(self._number, f"{self._subgraph} has no {owner}.{name}")
            return
        named = get_named_type(declared)
        below = None
        if is_composite_type(named) and node.selection_set is not None:
            below = Position(self._runtime_types(named))
            joined = self._checker.supergraph.types[owner].fields[name].by_subgraph[self._subgraph]
            inner = offered or ()
            if joined.provides:
                inner = (*inner, *parse_field_set(joined.provides, named.name, self._checker.supergraph.types))
            inner = (*inner, *self._key_selections(owner, name))
            is_interface_object = isinstance(named, GraphQLObjectType) and below.types != {named.name}
            self.select(
                node.selection_set, below, guards, inner, frozenset(), named.name if is_interface_object else None
            )
        depth = str(declared).count("[")
        _note(entries, key, Entry(meaning, depth, below), (self._number, guards))

    def _is_contextual(self, argument: ArgumentNode) -> bool:
        return isinstance(argument.value, VariableNode) and argument.value.name.value in self.contextual

    def _key_selections(self, owner: str, name: str) -> tuple[Selection, ...]:
        """What the subgraph knows below a key field."""
        types = self._checker.supergraph.types
        return tuple(
            child
            for key in types[owner].by_subgraph[self._subgraph].keys
            for item in parse_field_set(key.fields, owner, types)
            if isinstance(item, Field) and item.name == name
            for child in item.selections
        )

    def _type(self, name: str) -> GraphQLNamedType:
        return self._schema.type_map[name]

    def _field_type(self, type_name: str, name: str) -> GraphQLOutputType | None:
        named = self._schema.type_map.get(type_name)
        if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType) or name not in named.fields:
            return None
        declared: GraphQLOutputType = named.fields[name].type
        return declared

    def _runtime_types(self, named: GraphQLNamedType) -> frozenset[str]:
        if is_abstract_type(named):
            return frozenset(t.name for t in self._schema.get_possible_types(named))
        return self._checker.objects(named.name)  # an interface object can be any of the interface's types

    def _check_requires(self, owner: str, name: str, is_offered: bool, position: Position) -> None:
        joined = self._checker.supergraph.types[owner].fields[name].by_subgraph.get(self._subgraph)
        if joined is None or joined.requires is None or is_offered:
            return
        if self.sent is None or position.types.isdisjoint(self._checker.objects(self.sent[0])):
            self._checker.document_fault(self._number, f"{owner}.{name} has @requires and was not entered")
        elif not self._checker.meets(self.sent, joined.requires):
            self._checker.document_fault(
                self._number, f"{owner}.{name} requires {joined.requires}, but is sent {self.sent[1]}"
            )


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


def _fragments(operation: str) -> dict[str, FragmentDefinitionNode]:
    return {d.name.value: d for d in parse(operation).definitions if isinstance(d, FragmentDefinitionNode)}


def _has_all(sent: object, selections: Iterable[Selection]) -> bool:
    if not isinstance(sent, dict):
        return False
    for selection in selections:
        if isinstance(selection, InlineFragment):
            continue  # taken only where the type fits; documents and inputs are checked by type already
        if selection.name == "__typename":
            continue
        found = sent.get(selection.name)
        if found is None or found[0] != _meaning(selection):
            return False
        if selection.selections and not _has_all(found[1], selection.selections):
            return False
    return True


def _follow(
    position: Position, types: frozenset[str], path: FlattenPath, is_subtype: object
) -> Iterator[tuple[Position, frozenset[str]]]:
    """The positions at a path. Lists must be stepped into exactly as deep as the field's type is."""
    if not path:
        yield position, types
        return
    step, rest = path[0], path[1:]
    match step:
        case OnTypes(names):
            assert callable(is_subtype)
            kept = frozenset(t for t in types if any(is_subtype(t, n) for n in names))
            if kept:
                yield from _follow(position, kept, rest, is_subtype)
        case Key(name):
            done: list[Position] = []
            for type_name in sorted(types):
                entry = position.entries.get(type_name, {}).get(name)
                if entry is None or entry.below is None or any(entry.below is d for d in done):
                    continue
                done.append(entry.below)
                depth = 0
                while depth < len(rest) and isinstance(rest[depth], EachItem):
                    depth += 1
                if depth == entry.list_depth or depth == 0:
                    yield from _follow(entry.below, entry.below.types, rest[depth:], is_subtype)
        case EachItem():
            return


def _note(entries: dict[str, Entry], key: str, entry: Entry, source: tuple[int, Guards]) -> None:
    before = entries.get(key)
    if before is None:
        entries[key] = entry
    elif entry.below is not None and before.below is not None:
        _absorb(before.below, entry.below)
    entries[key].sources.append(source)


def _merge(position: Position, brought: Position, type_name: str) -> None:
    target = position.entries.setdefault(type_name, {})
    for key, entry in brought.entries.get(type_name, {}).items():
        before = target.get(key)
        if before is None:
            target[key] = entry
            continue
        if before.below is not None and entry.below is not None:
            _absorb(before.below, entry.below)
        if before.meaning != entry.meaning:
            before.meaning = ("two meanings", f"{before.meaning} and {entry.meaning}")
        before.sources.extend(entry.sources)


def _absorb(one: Position, other: Position) -> None:
    one.types = one.types & other.types or one.types
    for type_name in other.entries:
        _merge(one, other, type_name)


def _offered(
    provided: tuple[Selection, ...], name: str, type_name: str, checker: _Checker
) -> tuple[Selection, ...] | None:
    found: tuple[Selection, ...] | None = None
    for selection in provided:
        if isinstance(selection, InlineFragment):
            if type_name in checker.objects(selection.type_condition):
                inner = _offered(selection.selections, name, type_name, checker)
                found = found if inner is None else (*(found or ()), *inner)
        elif selection.name == name:
            found = (*(found or ()), *selection.selections)
    return found


def _guards(directives: Iterable[DirectiveNode]) -> Guards:
    found: set[Guard] = set()
    for directive in directives:
        if directive.name.value in ("include", "skip"):
            value = (directive.arguments or ())[0].value
            if isinstance(value, VariableNode):
                found.add(Guard(value.name.value, directive.name.value == "include"))
    return frozenset(found)


def _meaning(selection: Field) -> Meaning:
    return selection.name, ", ".join(f"{a.name}: {print_ast(a.value)}" for a in selection.arguments)


def _arguments(nodes: Iterable[ArgumentNode]) -> str:
    return ", ".join(f"{n.name.value}: {print_ast(n.value)}" for n in nodes)
