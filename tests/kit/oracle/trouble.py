"""What goes wrong in a universe, as far as it is plain what must come of it.

Some troubles lie in the values and are the same for all who ask; others lie in one subgraph, and the monolith, which
knows no subgraphs, has to be told what nobody else could have answered.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b

from graphql import print_ast

from tests.kit.oracle.facts import SubgraphFacts
from tests.kit.oracle.universe import Thing, Universe


class Trouble(StrEnum):
    NONE = "none"
    ERRORS = "errors"  #: some fields of some objects raise errors
    BROKEN = "broken"  #: fields that several subgraphs resolve raise errors in one of them
    ABSENT = "absent"  #: some entities are not known where they have fields


class Troubles:
    """Of one kind, in one universe."""

    def __init__(self, universe: Universe, kind: Trouble, seed: int) -> None:
        self._universe = universe
        self._kind = kind
        self._seed = seed
        self._broken: dict[tuple[str, str], str | None] = {}
        self._careless: dict[tuple[str, str], bool] = {}

    def broken_in(self, type_name: str, name: str) -> str | None:
        """The subgraph in which a field of value types fails. What else the field gives comes from the others."""
        if self._kind is not Trouble.BROKEN:
            return None
        key = (type_name, name)
        if key not in self._broken:
            self._broken[key] = self._break(type_name, name)
        return self._broken[key]

    def _break(self, type_name: str, name: str) -> str | None:
        universe = self._universe
        homes = universe.mentions(type_name, name)
        if len(homes) < 2 or type_name in ("Mutation", "Subscription") or name in universe.input_names:
            return None
        fields = [facts.fields[type_name, name] for facts in homes if (type_name, name) in facts.fields]
        if len(fields) < len(homes) or any(each.is_external or each.override is not None for each in fields):
            return None
        if not universe.is_value(type_name, name) or self._draw(type_name, name) > 160:
            return None
        return homes[self._draw(name, type_name) % len(homes)].name

    def is_absent(self, facts: SubgraphFacts, thing: Thing) -> bool:
        """Whether the subgraph has no entity for a representation of the thing."""
        return (
            self._kind is Trouble.ABSENT
            and thing.type in facts.keys
            and self._draw(facts.name, thing.identity) < 60
            and self._may_lack(facts, thing.type)
        )

    def _may_lack(self, facts: SubgraphFacts, type_name: str) -> bool:
        """Only where nobody needs the subgraph to get somewhere else: every other has the same simple key."""
        key = (facts.name, type_name)
        if key not in self._careless:
            universe = self._universe
            own = {name for owner, name in facts.fields if owner == type_name}
            self._careless[key] = (
                not any(type_name in universe.possible[i] for f in universe.subgraphs for i in f.interface_objects)
                and all(self._has_simple_key(f, type_name) for f in universe.subgraphs if type_name in f.keys)
                and (own - {"id"}).isdisjoint(universe.input_names)
            )
        return self._careless[key]

    def _has_simple_key(self, facts: SubgraphFacts, type_name: str) -> bool:
        return any(print_ast(key.selections).split() == ["{", "id", "}"] for key in facts.keys[type_name])

    def _draw(self, *texts: str) -> int:
        return blake2b("|".join((str(self._seed), *texts)).encode(), digest_size=1, salt=b"trouble").digest()[0]
