"""@override: a field moves from one subgraph to another, at once or step by step with a label."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches

from graphql import Node

from router.compose.merge.context import MergeContext, Sources, present
from router.compose.schema import Application, Field, Kind

_LABEL = re.compile(r"[a-zA-Z][a-zA-Z0-9_\-:./]*", re.ASCII)
_PERCENT = re.compile(r"percent\((\d{1,2}(\.\d{1,8})?|100)\)", re.ASCII)
_COLLISION = "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE"


@dataclass(slots=True)
class Overrides:
    """What @override means for the versions of one field, by subgraph number."""

    used: set[int] = field(default_factory=set)  #: overridden, but still needed by a field set or interface
    unused: set[int] = field(default_factory=set)  #: overridden
    unknown_target: set[int] = field(default_factory=set)  #: overrides a subgraph that does not exist
    labels: dict[int, str] = field(default_factory=dict)  #: on both sides of a migration

    def is_overridden(self, index: int) -> bool:
        return index in self.used or index in self.unused


def check_overrides(
    context: MergeContext, sources: Sources[Field], merged: Field, stand_ins: dict[int, list[Field]]
) -> Overrides:
    """`stand_ins`: interface object fields by which subgraphs without the field provide it."""
    result = Overrides()
    uses = {i: use for i, s in present(sources) if (use := context.subgraphs[i].applied(s, "override"))}
    for index, use in uses.items():
        check = _OverrideCheck(context, sources, merged, uses, stand_ins, result)
        check.run(index, use)
    return result


class _OverrideCheck:
    def __init__(
        self,
        context: MergeContext,
        sources: Sources[Field],
        merged: Field,
        uses: dict[int, Application],
        stand_ins: dict[int, list[Field]],
        result: Overrides,
    ) -> None:
        self.context = context
        self.sources = sources
        self.coordinate = merged.coordinate
        self.uses = uses
        self.stand_ins = stand_ins
        self.result = result

    def run(self, index: int, use: Application) -> None:
        source = self.sources[index]
        names = self.context.names
        subgraph = self.context.subgraphs[index]
        target = str(use.arguments.get("from"))
        if source is None:
            return
        type_ = subgraph.schema.types[source.parent]
        if type_.kind is Kind.INTERFACE:
            self._error("OVERRIDE_ON_INTERFACE", index, "a field of an interface cannot override")
        elif subgraph.is_interface_object(type_):
            self._error(_COLLISION, index, "a field of an interface object cannot override")
        elif target not in names:
            self.result.unknown_target.add(index)
            close = get_close_matches(target, names, 1)
            meant = f' Did you mean "{close[0]}"?' if close else ""
            self._hint("FROM_SUBGRAPH_DOES_NOT_EXIST", index, f'there is no subgraph "{target}".{meant}')
        elif target == subgraph.name:
            self._error("OVERRIDE_FROM_SELF_ERROR", index, "it overrides itself")
        else:
            self._check_target(index, names.index(target), use)

    def _check_target(self, index: int, origin: int, use: Application) -> None:
        name = self.context.names[origin]
        overridden = self.sources.get(origin)
        if origin in self.uses:
            self._error("OVERRIDE_SOURCE_HAS_OVERRIDE", index, f'subgraph "{name}" overrides it too')
        elif overridden is None and self.stand_ins.get(origin):
            through = self.stand_ins[origin][0].coordinate
            self._error(_COLLISION, index, f'subgraph "{name}" has it only through the interface object\'s "{through}"')
        elif overridden is None:
            self._hint("OVERRIDE_DIRECTIVE_CAN_BE_REMOVED", index, f'subgraph "{name}" no longer has the field.')
        else:
            collision = self._collision(index, origin, overridden)
            if collision:
                self._error(_COLLISION, index, collision)
            else:
                self._override(index, origin, overridden, use)

    def _collision(self, index: int, origin: int, overridden: Field) -> str | None:
        for directive in ("requires", "provides"):
            if self.context.subgraphs[origin].applied(overridden, directive):
                return f'it has @{directive} in subgraph "{self.context.names[origin]}"'
        source = self.sources[index]
        return "it is @external itself" if source and self.context.facts[index].is_external(source) else None

    def _override(self, index: int, origin: int, overridden: Field, use: Application) -> None:
        name = self.context.names[origin]
        label = use.arguments.get("label")
        is_used = overridden.coordinate in self.context.facts[origin].used
        if self.context.facts[origin].is_external(overridden):
            self._hint("OVERRIDE_DIRECTIVE_CAN_BE_REMOVED", index, f'in subgraph "{name}" it is @external already.')
        else:
            (self.result.used if is_used else self.result.unused).add(origin)
            if not label:
                rest = "mark it @external there, as it is still needed" if is_used else "remove it there"
                self._hint("OVERRIDDEN_FIELD_CAN_BE_REMOVED", origin, f'it is overridden in subgraph "{name}": {rest}.')
        if not label:
            return
        if isinstance(label, str) and (_LABEL.fullmatch(label) or _PERCENT.fullmatch(label)):
            self.result.labels[index] = self.result.labels[origin] = label
        else:
            self._error("OVERRIDE_LABEL_INVALID", index, f'"{label}" is no label and no percent(0…100)')
        self._hint("OVERRIDE_MIGRATION_IN_PROGRESS", origin, f'it is migrating away from subgraph "{name}".')

    def _error(self, code: str, index: int, message: str) -> None:
        self.context.report.error(
            code, f'@override on "{self.coordinate}": {message}.', places=[self.context.place(index, self._node(index))]
        )

    def _hint(self, code: str, index: int, message: str) -> None:
        place = self.context.place(index, self._node(index))
        self.context.report.hint(code, f'@override on "{self.coordinate}": {message}', self.coordinate, [place])

    def _node(self, index: int) -> Node | None:
        source = self.sources.get(index)
        use = self.uses.get(index)
        return use.node if use else source.node if source else None
