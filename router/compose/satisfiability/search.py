"""Walks all of the API schema beside the options the subgraphs offer, and reports where they run out.

A type need not be walked twice from the same or more options under the same labels, so the walk ends. What @provides
adds on one way is not there on the others: a walk from there stands only for walks with the same. (Apollo's composition
forgets that if the other way comes first, and its planner then reads external fields.) Depth first, as in Apollo's
composition, so that the same queries are reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from router.compose.merge.context import MergeContext
from router.compose.report import Place, name_list
from router.compose.satisfiability.conditions import Conditions, TooManyStepsError, TooMuchWorkError
from router.compose.satisfiability.graph import Node, SubgraphGraph, context_setters
from router.compose.satisfiability.options import Cast, Option, Options, Step
from router.compose.satisfiability.witness import print_witness
from router.compose.schema import COMPOSITE, Kind, Schema
from router.compose.type_ref import base_name

#: options waiting to be walked, and steps of the search for keys; beyond them composition gives up
MOST_OPTIONS = 1_000_000
MOST_STEPS = 3_000_000
#: steps after which the search starts again in a hurry; Apollo's would need minutes by then
_PATIENT_STEPS = 500_000

#: a node, and for each context where it was set last on the way to it
_Place = tuple[Node, tuple[tuple[Node, str] | None, ...]]


@dataclass(frozen=True, slots=True)
class _Way:
    """Steps from the root, the last one first: ways share their beginnings."""

    step: Step | Cast
    before: _Way | None

    def steps(self) -> list[Step | Cast]:
        found: list[Step | Cast] = []
        way: _Way | None = self
        while way is not None:
            found.append(way.step)
            way = way.before
        return found[::-1]


@dataclass(frozen=True, slots=True)
class _State:
    kind: str
    type_name: str
    way: _Way | None  #: None at the root
    runtime: frozenset[str]  #: of the API schema
    #: options by the subgraph that a shared mutation is called in; under None for all else
    options: dict[int | None, list[Option]]
    labels: dict[str, bool] = field(default_factory=dict)
    mutation: str | None = None  #: coordinate of a mutation field that several subgraphs share

    def count(self) -> int:
        return sum(len(options) for options in self.options.values())


def check_satisfiability(context: MergeContext, api: Schema, most_options: int = MOST_OPTIONS) -> None:
    """Reports SATISFIABILITY_ERROR, SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES, and a hint for the latter's lesser kind."""
    graph = SubgraphGraph(context, api)
    errors, hints = len(context.report.errors), len(context.report.hints)
    try:
        try:
            _Search(context, api, Options(graph, Conditions(graph, _PATIENT_STEPS)), most_options).run()
        except TooManyStepsError:
            del context.report.errors[errors:], context.report.hints[hints:]
            hurried = Conditions(graph, MOST_STEPS, is_hurried=True)
            _Search(context, api, Options(graph, hurried), most_options).run()
    except TooMuchWorkError as exc:
        context.report.error(
            "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED",
            f"Whether all queries can be answered takes more than {exc} to find out.",
        )
    except RecursionError:
        context.report.error("MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED", "Keys depend on each other too deeply.")


class _Search:
    def __init__(self, context: MergeContext, api: Schema, options: Options, most_options: int) -> None:
        self.most_options = most_options
        self.context = context
        self.report = context.report
        self.api = api
        self.options = options
        self.stack: list[_State] = []
        self.open_options = 0
        self.possible: dict[str, frozenset[str]] = {}  #: of the API schema
        self.visited: dict[str, list[tuple[frozenset[_Place], dict[str, bool]]]] = defaultdict(list)
        self.labels = _labels_by_coordinate(context)
        #: the types that set a context, for every context of every subgraph
        self.setters = tuple(sorted(set(context_setters(context).values()), key=sorted))
        #: mutation -> subgraph -> what cannot be answered when it is called there
        self.mutation_errors: dict[str, dict[int | None, list[str]]] = defaultdict(dict)

    def run(self) -> None:
        for kind, name in self.api.roots.items():
            start = self.options.start(kind)
            self._push(_State(kind, name, None, frozenset({name}), {None: start}))
        while self.stack:
            state = self.stack.pop()
            self.open_options -= state.count()
            if not self._is_known(state):
                for step, labels in self._steps(state):
                    self._take(state, step, labels)
        for coordinate, errors in self.mutation_errors.items():
            if all(errors.values()):
                self._report_mutation(coordinate, errors)

    def _push(self, state: _State) -> None:
        self.open_options += state.count()
        if self.open_options > self.most_options:
            raise TooMuchWorkError(f"{self.most_options} open paths")
        self.stack.append(state)

    def _is_known(self, state: _State) -> bool:
        visits = self.visited[state.type_name]
        all_known = True
        for options in state.options.values():
            places = frozenset(self._place(option) for option in options)
            offered = places | {self._without_provided(place) for place in places}
            if any(
                before <= offered and all(state.labels.get(label) == value for label, value in labels.items())
                for before, labels in visits
            ):
                continue
            visits.append((places, state.labels))
            all_known = False
        return all_known

    def _place(self, option: Option) -> _Place:
        return option.node, tuple(self.options.setter_above(option, setters) for setters in self.setters)

    def _without_provided(self, place: _Place) -> _Place:
        """Whatever can be answered without @provides can be answered with it."""
        node, setters = place
        return (self.options.graph.node(node.subgraph, node.type.name), setters) if node.provided else place

    def _steps(self, state: _State) -> Iterator[tuple[Step | Cast, dict[str, bool]]]:
        type_ = self.api.types[state.type_name]
        if type_.kind is not Kind.OBJECT:
            for name in self.api.possible_types(type_.name):
                yield Cast(type_.name, name), state.labels
            return
        for own in type_.fields.values():
            target = self.api.types.get(base_name(own.type))
            step = Step(own, target is None or target.kind not in COMPOSITE)
            label = self.labels.get(own.coordinate)
            if label is None or label in state.labels:
                yield step, state.labels
            else:
                yield step, {**state.labels, label: True}
                yield step, {**state.labels, label: False}

    def _take(self, state: _State, step: Step | Cast, labels: dict[str, bool]) -> None:
        following: dict[int | None, list[Option]] = {}
        way = _Way(step, state.way)
        for caller, options in state.options.items():
            advanced = self._advance_all(options, step, labels)
            if advanced is None:
                text = self._explain(state.kind, way, options, labels)
                if state.mutation is None:
                    names = self._names(options)
                    self.report.error("SATISFIABILITY_ERROR", text, subgraphs=names, places=self._places(step))
                    return
                self.mutation_errors[state.mutation][caller].append(text)
                continue
            if not advanced:
                return  # nothing ever comes this way
            following[caller] = advanced
        if not following:
            return
        mutation = state.mutation
        if state.kind == "mutation" and state.way is None and isinstance(step, Step):
            mutation, following = self._partition(step, state, following, labels)
        name = step.target if isinstance(step, Cast) else base_name(step.field.type)
        runtime = self._runtime(state, step)
        reached = _State(state.kind, name, way, runtime, following, labels, mutation)
        if isinstance(step, Step) and self._has_disjoint_runtime_types(reached, step, way):
            return
        if isinstance(step, Cast) or not step.is_leaf:
            self._push(reached)

    def _advance_all(self, options: list[Option], step: Step | Cast, labels: dict[str, bool]) -> list[Option] | None:
        """None when no option gets on; empty when some option shows that there is never anything behind the step."""
        found: dict[Option, None] = {}
        for option in options:
            advanced = self.options.advance(option, step, labels)
            if advanced is None:
                continue
            if not advanced:
                return []
            found.update(dict.fromkeys(advanced))
        return list(found) or None

    def _partition(
        self, step: Step, state: _State, following: dict[int | None, list[Option]], labels: dict[str, bool]
    ) -> tuple[str | None, dict[int | None, list[Option]]]:
        """A mutation must not run twice, so what follows must be possible from one of the subgraphs that have it."""
        by_caller: dict[int | None, list[Option]] = {}
        for option in state.options[None]:
            advanced = self.options.advance(option, step, labels)
            if advanced:
                by_caller.setdefault(option.node.subgraph, []).extend(advanced)
        if len(by_caller) < 2:
            return None, following
        errors = self.mutation_errors[step.field.coordinate]
        for caller in by_caller:
            errors.setdefault(caller, [])
        return step.field.coordinate, by_caller

    def _runtime(self, state: _State, step: Step | Cast) -> frozenset[str]:
        if isinstance(step, Cast):
            return state.runtime & self._possible(step.target)
        return self._possible(base_name(step.field.type))

    def _possible(self, name: str) -> frozenset[str]:
        found = self.possible.get(name)
        if found is None:
            found = self.possible[name] = frozenset(self.api.possible_types(name))
        return found

    # what is found

    def _names(self, options: list[Option]) -> list[str]:
        return list(dict.fromkeys(self.context.names[option.node.subgraph] for option in options))

    def _places(self, step: Step | Cast) -> list[Place]:
        """Where the subgraphs define what cannot be reached."""
        return [
            (subgraph.name, defined.node)
            for subgraph in self.context.subgraphs
            if (
                defined := subgraph.schema.types.get(step.target)
                if isinstance(step, Cast)
                else subgraph.field_at(step.field.parent, step.field.name)
            )
        ]

    def _explain(self, kind: str, way: _Way, options: list[Option], labels: dict[str, bool]) -> str:
        by_subgraph: dict[str, list[str]] = defaultdict(list)
        for reason in self.options.reasons(options, way.step, labels):
            by_subgraph[reason.subgraph].append(reason.text)
        lines = ["This query cannot be answered by the subgraphs:", print_witness(self.api, kind, way.steps())]
        for subgraph, texts in by_subgraph.items():
            lines.append(f'- from subgraph "{subgraph}":')
            lines += [f"  - {text}." for text in texts]
        return "\n".join(lines)

    def _report_mutation(self, coordinate: str, errors: dict[int | None, list[str]]) -> None:
        lines = [f'Some queries on "{coordinate}" need it to be called in more than one subgraph:']
        names: list[str] = []
        for caller, texts in errors.items():
            name = self.context.names[caller or 0]
            names.append(name)
            lines.append(f'- when it is called in subgraph "{name}":')
            lines += [f"  {line}" for text in texts for line in text.split("\n")]
        places = [
            (subgraph.name, field.node)
            for subgraph in self.context.subgraphs
            if subgraph.name in names and (field := subgraph.field_at(*coordinate.split(".")))
        ]
        self.report.error("SATISFIABILITY_ERROR", "\n".join(lines), subgraphs=names, places=places)

    def _has_disjoint_runtime_types(self, state: _State, step: Step, way: _Way) -> bool:
        """A shared field must return the same object everywhere: hints when the possible types differ."""
        type_ = self.api.types.get(state.type_name)
        options = [option for group in state.options.values() for option in group]
        if type_ is None or type_.kind is Kind.OBJECT or len(options) < 2 or not self._is_shared(step):
            return False
        if sum(option.node.type.kind is not Kind.OBJECT for option in options) < 2:
            return False
        known = state.runtime
        common = set(known)
        by_subgraph: dict[str, frozenset[str]] = {}
        for option in options:
            if len(option.runtime) == 1 and not option.runtime <= known:
                continue  # an interface object, which stands for all
            by_subgraph[self.context.names[option.node.subgraph]] = option.runtime
            common &= option.runtime
        if not any(by_subgraph.values()) or (len(set(by_subgraph.values())) < 2 and common):
            return False
        witness = print_witness(self.api, state.kind, way.steps())
        spread = "; ".join(
            f'{name_list(sorted(names), "type", "types") if names else "no type"} in subgraph "{subgraph}"'
            for subgraph, names in by_subgraph.items()
        )
        if common:
            self.report.hint(
                "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN",
                f'"{step.field.coordinate}" is shared, but can return {spread}. It must be the same object in all'
                f" of them: only {name_list(sorted(common), 'type', 'types')}. Seen in the query\n{witness}",
                step.field.coordinate,
            )
            return False
        self.report.error(
            "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
            f'"{step.field.coordinate}" is shared, but can never return the same object everywhere: it returns'
            f" {spread}, as in the query\n{witness}",
            subgraphs=list(by_subgraph),
        )
        return True

    def _is_shared(self, step: Step) -> bool:
        type_ = self.context.merged.types[step.field.parent]
        if type_.kind is not Kind.OBJECT:
            return False
        uses = [u for u in type_.fields[step.field.name].applications if u.name == "join__field"]
        if not uses:
            return sum(use.name == "join__type" for use in type_.applications) > 1
        return sum(not (u.arguments.get("external") or u.arguments.get("usedOverridden")) for u in uses) > 1


def _labels_by_coordinate(context: MergeContext) -> dict[str, str]:
    return {
        merged.coordinate: label
        for type_ in context.merged.types.values()
        for merged in type_.fields.values()
        for use in merged.applications
        if isinstance(label := use.arguments.get("overrideLabel"), str)
    }
