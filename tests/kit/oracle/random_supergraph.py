"""Made-up subgraphs that mostly compose, with every directive of federation somewhere.

First the whole is drawn up: types, keys, fields. Then every field gets the subgraphs that resolve it, and each subgraph
gets the types it needs to say so. Directives that change who does what (`@requires`, `@provides`, `@override`,
`@interfaceObject`) come last. What composition refuses is drawn again by the caller.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random

from tests.kit.oracle.sketch import Field, Sketch, TypeSketch

_SCALARS = ("Int", "Float", "String", "Boolean", "ID")
_KEYS = ("id", "sku", "code", "ref { uid }", "left right", "owner { id }", "id sku", "ref { uid part }")
_ARGUMENTS = ("n: Int", 'by: String = "x"', "deep: [Int!]", "flag: Boolean! = true", "where: Filter", "must: Int!")


@dataclass(slots=True)
class _Truth:
    """A type of the whole: what there is to distribute."""

    name: str
    kind: str  #: entity, value, interface, union
    keys: list[str] = field(default_factory=list)
    fields: dict[str, tuple[str, str]] = field(default_factory=dict)  #: name -> arguments, type
    members: list[str] = field(default_factory=list)


class SupergraphGenerator:
    """`subgraphs()` gives name -> SDL; the same seed gives the same text."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # repeatable test data
        self._truth: dict[str, _Truth] = {}
        self._sketches: dict[str, Sketch] = {}
        self._resolvers: dict[tuple[str, str], list[str]] = {}
        self._whole: str | None = None  #: an interface with all its types in one subgraph
        self._split: str | None = None  #: a value type that is spread over subgraphs
        self._pair: list[str] = []  #: the two subgraphs that have all of it
        self._split_fields: dict[str, set[str]] = {}  #: what each subgraph has of it
        self._is_barred = False  #: whether it has a key that nobody resolves
        self._apart: str | None = None  #: the subgraph in which it is an object

    def subgraphs(self) -> dict[str, str]:
        self._draw_up()
        self._pick_whole()
        names = ["a", "b", "c", "d"][: self._random.choice((2, 3, 3, 4))]
        self._sketches = {name: Sketch() for name in names}
        self._split_value()
        self._distribute_keys()
        self._distribute_fields()
        self._distribute_roots()
        self._declare_interfaces()
        self._add_interface_objects()
        for change in (self._add_requires, self._add_provides, self._drop_unused, self._add_overrides):
            change()
        self._add_inaccessible()
        self._add_context()
        return {name: sketch.sdl(is_fed1=self._chance(0.15)) for name, sketch in self._sketches.items()}

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _some(self, items: list[str], least: int = 1, most: int = 2) -> list[str]:
        count = min(len(items), self._random.randint(least, most))
        return sorted(self._random.sample(items, count))

    # --- the whole -------------------------------------------------------------------------------------------------

    def _draw_up(self) -> None:
        entities = [f"E{n}" for n in range(self._random.randint(2, 4))]
        values = [f"V{n}" for n in range(self._random.randint(1, 2))]
        self._split = "S" if self._chance(0.4) else None
        interfaces = [f"I{n}" for n in range(self._random.choice((0, 1, 1, 2)))]
        unions = [f"U{n}" for n in range(self._random.choice((0, 0, 1, 1, 2)))]
        for name in entities:
            keys = self._some(list(_KEYS), 1, 3) if self._chance(0.6) else ["id"]
            self._truth[name] = _Truth(name, "entity", keys)
        for name in values:
            self._truth[name] = _Truth(name, "value")
        for name in interfaces:
            objects = entities if self._chance(0.75) else entities + values
            self._truth[name] = _Truth(name, "interface", members=self._some(objects, 1, 3))
        for name in unions:
            self._truth[name] = _Truth(name, "union", members=self._some(entities + values, 1, 4))
        for name in (*entities, *values):
            for number in range(self._random.randint(2, 5)):
                self._truth[name].fields[f"f{number}"] = (self._arguments(), self._type())
        if self._split:
            fields = {f"f{number}": (self._arguments(), self._type()) for number in range(self._random.randint(2, 5))}
            self._truth[self._split] = _Truth(self._split, "value", fields=fields)
            for name in self._some(entities, 1, 2):
                self._truth[name].fields["split"] = ("", self._wrapped(self._split))
        for name in interfaces:
            shared = {
                f"{name.lower()}{n}": (self._arguments(), self._type()) for n in range(self._random.randint(1, 3))
            }
            self._truth[name].fields = shared
            for member in self._truth[name].members:
                for field_name, (arguments, kind) in shared.items():
                    strict = not kind.endswith("!") and self._chance(0.1)
                    self._truth[member].fields[field_name] = (arguments, kind + "!" if strict else kind)

    def _pick_whole(self) -> None:
        wholes = [t.name for t in self._of("interface") if all(self._truth[m].kind == "entity" for m in t.members)]
        if wholes and self._chance(0.5):
            self._whole = self._random.choice(wholes)
            for member in self._truth[self._whole].members:
                keys = self._truth[member].keys
                keys[:] = ["id", *(key for key in keys if key != "id")]

    def _arguments(self) -> str:
        if not self._chance(0.25):
            return ""
        return "(" + ", ".join(self._random.sample(_ARGUMENTS, self._random.randint(1, 2))) + ")"

    def _type(self) -> str:
        names = [truth.name for truth in self._truth.values()]
        draw = self._random.random()
        return self._wrapped(
            self._random.choice(names) if draw < 0.45 else self._random.choice((*_SCALARS, "Color", "Json"))
        )

    def _wrapped(self, name: str) -> str:
        for _ in range(self._random.choice((0, 0, 0, 1, 1, 2)) if self._chance(0.6) else 0):
            name = f"[{name}{'!' if self._chance(0.4) else ''}]"
        return name + ("!" if self._chance(0.2) else "")

    def _split_value(self) -> None:
        """One value type has other fields in every subgraph: its objects come together from several fetches, and a key
        that leads nowhere does not change that."""
        if self._split is None:
            return
        self._pair = self._random.sample(list(self._sketches), 2)
        self._is_barred = self._chance(0.3)
        fields = list(self._truth[self._split].fields)
        for subgraph in self._sketches:
            self._split_fields[subgraph] = set() if subgraph in self._pair else {self._random.choice(fields)}
        for number, name in enumerate(fields):
            for subgraph in self._pair if self._chance(0.2) else [self._pair[number % 2]]:
                self._split_fields[subgraph].add(name)

    # --- distribution ----------------------------------------------------------------------------------------------

    def _distribute_keys(self) -> None:
        """Each subgraph of an entity shares a key with one before it, so that there is always some way."""
        home, *others = self._shuffled(list(self._sketches))
        whole = self._truth[self._whole].members if self._whole else []
        for truth in self._of("entity"):
            known: list[str] = []
            if truth.name in whole:
                self._define_entity(home, truth, ["id"])
                known.append("id")
            homes = others[:-1] if truth.name in whole else [home, *others]
            for name in self._shuffled(homes)[: self._random.randint(1, len(self._sketches))]:
                keys = self._some(known, 1, 1) if known else []
                keys += [key for key in self._some(truth.keys, 1, 2) if key not in keys]
                known += [key for key in keys if key not in known]
                self._define_entity(name, truth, keys)
        if self._whole:
            self._need_type(home, self._whole)
            self._apart = others[-1]
            self._define_interface_object(self._apart, self._whole)

    def _define_entity(self, subgraph: str, truth: _Truth, keys: list[str]) -> TypeSketch:
        sketch = self._sketches[subgraph].type(truth.name)
        for key in keys:
            if key not in sketch.keys:
                sketch.keys[key] = True
                self._define_key_fields(subgraph, sketch, key)
        return sketch

    def _define_key_fields(self, subgraph: str, sketch: TypeSketch, key: str) -> None:
        types = {"id": "ID!", "sku": "String!", "code": "Int!", "left": "Int!", "right": "String!"}
        head, _, below = key.partition(" {")
        if not below:
            for name in key.split():
                sketch.fields.setdefault(name, Field(types[name], is_key=True))
        elif head == "ref":
            sketch.fields.setdefault("ref", Field("Ref!", is_key=True))
            ref = self._sketches[subgraph].type("Ref")
            for name in below.removesuffix("}").split():
                ref.fields.setdefault(name, Field("ID!", is_shareable=True))
        else:
            sketch.fields.setdefault("owner", Field("Owner!", is_key=True))
            owner = self._sketches[subgraph].type("Owner")
            owner.keys["id"] = True
            owner.fields.setdefault("id", Field("ID!", is_key=True))

    def _distribute_fields(self) -> None:
        homes_by_type = {
            truth.name: [name for name, sketch in self._sketches.items() if truth.name in sketch.types]
            for truth in self._of("entity")
        }
        for truth in self._of("entity"):
            for name, (_, kind) in truth.fields.items():
                homes = [home for home in homes_by_type[truth.name] if self._can_know(home, kind)]
                homes = homes or homes_by_type[truth.name][:1]
                chosen = self._some(homes, 1, 1) if self._chance(0.7) else self._some(homes, 1, 2)
                if _named(kind) == self._split:
                    chosen = sorted({*homes, *self._pair})
                    for home in set(self._pair).difference(homes):
                        self._define_entity(
                            home, truth, self._some(list(self._sketches[homes[0]].types[truth.name].keys), 1, 1)
                        )
                self._resolvers[truth.name, name] = chosen
                for subgraph in chosen:
                    self._define_field(subgraph, truth, name, is_shareable=len(chosen) > 1)

    def _can_know(self, subgraph: str, kind: str, seen: tuple[str, ...] = ()) -> bool:
        """Whether a type can be in a subgraph without the types that are behind an interface object there."""
        name = _named(kind)
        truth = self._truth.get(name)
        if subgraph != self._apart or self._whole is None or truth is None or name in (self._whole, *seen):
            return True
        if truth.kind == "entity":
            return name not in self._truth[self._whole].members
        below = truth.members or [kind for _, kind in truth.fields.values()]
        return all(self._can_know(subgraph, each, (*seen, name)) for each in below)

    def _define_field(self, subgraph: str, truth: _Truth, name: str, *, is_shareable: bool) -> None:
        sketch = self._sketches[subgraph].type(truth.name)
        if name in sketch.fields:
            return
        arguments, kind = truth.fields[name]
        sketch.fields[name] = Field(kind, arguments, is_shareable=is_shareable)
        self._need_type(subgraph, kind)
        if "Filter" in arguments:
            self._sketches[subgraph].has_filter = True

    def _need_type(self, subgraph: str, kind: str) -> None:
        name = _named(kind)
        sketch = self._sketches[subgraph]
        truth = self._truth.get(name)
        if name == "Color":
            if not sketch.colors:
                sketch.colors = ["RED", "BLUE", *self._some(["GREEN", "GREY", "PINK"], 0, 3)]
        elif name == "Json":
            sketch.has_json = True
        if truth is None:
            return
        if truth.kind == "entity":
            if name not in sketch.types:
                keys = next(s.types[name].keys for s in self._sketches.values() if name in s.types)
                key = self._random.choice(sorted(keys))
                self._define_entity(subgraph, truth, [key])
                if self._chance(0.4):
                    sketch.types[name].keys[key] = False
        elif truth.kind == "value":
            if name not in sketch.types:
                item = sketch.type(name)
                if name == self._split and self._is_barred:
                    item.keys["id"] = False
                    item.fields["id"] = Field("ID!", is_key=True)
                chosen = sorted(self._split_fields[subgraph] if name == self._split else truth.fields)
                for field_name in chosen:
                    self._define_field(subgraph, truth, field_name, is_shareable=True)
        elif name not in sketch.abstract and name not in sketch.types:
            sketch.abstract[name] = []
            known = [member for member in truth.members if member in sketch.types]
            members = truth.members if self._chance(0.6) or not known else known
            sketch.abstract[name] = [*members]
            for member in members:
                self._need_type(subgraph, member)

    def _distribute_roots(self) -> None:
        names = [truth.name for truth in self._truth.values()]
        for number in range(self._random.randint(2, 6)):
            kind = self._split if self._split and self._chance(0.3) else self._random.choice(names)
            kind = self._random.choice((kind, kind, f"[{kind}]", f"[{kind}!]!", "Int"))
            able = [subgraph for subgraph in self._sketches if self._can_know(subgraph, kind)]
            chosen = self._some(able, 1, 1) if self._chance(0.7) else self._some(able, 2, 2)
            if _named(kind) == self._split:
                chosen = able
            arguments = self._arguments()
            for subgraph in chosen:
                root = Field(kind, arguments, is_shareable=len(chosen) > 1)
                self._define_root(subgraph, "Query", f"q{number}", root)
        names = [name for name in names if name != self._split]
        for number in range(self._random.choice((0, 0, 1, 3))):
            kind = self._random.choice((*names, "Int", "Int!"))
            subgraph = self._random.choice([name for name in self._sketches if self._can_know(name, kind)])
            self._define_root(subgraph, "Mutation", f"m{number}", Field(kind, "(n: Int)"))
        for number in range(self._random.choice((0, 0, 1, 2))):
            kind = self._random.choice(names)
            subgraph = self._random.choice([name for name in self._sketches if self._can_know(name, kind)])
            root = Field(self._random.choice((kind, f"[{kind}]")), "(n: Int)")
            self._define_root(subgraph, "Subscription", f"s{number}", root)

    def _define_root(self, subgraph: str, root: str, name: str, own: Field) -> None:
        sketch = self._sketches[subgraph]
        sketch.type(root).fields[name] = own
        sketch.has_filter = sketch.has_filter or "Filter" in own.arguments
        self._need_type(subgraph, own.type)

    def _declare_interfaces(self) -> None:
        """A subgraph's interface has the fields that all of its types have there."""
        for sketch in self._sketches.values():
            for name, members in sketch.abstract.items():
                truth = self._truth[name]
                if truth.kind != "interface":
                    sketch.unions[name] = members
                    continue
                members = [m for m in truth.members if m in sketch.types]
                shared = set.intersection(*(set(sketch.types[m].fields) for m in members))
                own = sorted(shared & set(truth.fields))
                if not own:
                    own = ["any"]
                    self._define_everywhere("any", truth.members)
                interface = sketch.type(name, "interface")
                for field_name in own:
                    sample = sketch.types[members[0]].fields[field_name]
                    kind, arguments = sample.type, sample.arguments
                    if field_name in truth.fields:
                        arguments, kind = truth.fields[field_name]
                    interface.fields[field_name] = Field(kind, arguments)
                for member in members:
                    sketch.types[member].implements.append(name)

    def _define_everywhere(self, name: str, types: list[str]) -> None:
        for sketch in self._sketches.values():
            for type_name in types:
                if type_name in sketch.types:
                    sketch.types[type_name].fields[name] = Field("Int", is_shareable=True)

    # --- directives ------------------------------------------------------------------------------------------------

    def _add_interface_objects(self) -> None:
        """The interface that has all its types in one subgraph is an object where none of them is."""
        if self._whole is None:
            return
        members = self._truth[self._whole].members
        for sketch in self._sketches.values():
            is_home = self._whole in sketch.types and all(m in sketch.types for m in members)
            if is_home and all(sketch.types[m].keys.get("id") for m in members):
                sketch.types[self._whole].keys["id"] = True
                sketch.types[self._whole].fields.setdefault("id", Field("ID!", is_key=True))

    def _define_interface_object(self, subgraph: str, name: str) -> None:
        sketch = self._sketches[subgraph]
        item = sketch.type(name)
        item.is_interface_object = True
        item.keys["id"] = True
        item.fields["id"] = Field("ID!", is_key=True)
        for number in range(self._random.randint(1, 3)):
            kind = self._random.choice(("Int", "String", "[Int!]", name, f"[{name}]", *sketch.plain_types()))
            item.fields[f"{name.lower()}_{subgraph}{number}"] = Field(kind, self._random.choice(("", "", "(n: Int)")))
        if self._chance(0.6):
            sketch.type("Query").fields[f"q_{name.lower()}_{subgraph}"] = Field(
                self._random.choice((name, f"[{name}!]"))
            )

    def _add_requires(self) -> None:
        for subgraph, sketch in self._sketches.items():
            for item in list(sketch.types.values()):
                if item.kind == "interface" or not any(item.keys.values()):
                    continue
                for name, own in list(item.fields.items()):
                    if own.is_plain and not own.is_shareable and self._chance(0.3):
                        own.requires = self._requirement(subgraph, item, name)

    def _requirement(self, subgraph: str, item: TypeSketch, name: str) -> str:
        """Of fields that other subgraphs resolve and that require nothing of what comes later in the alphabet, so that
        no field requires itself."""
        offers: dict[str, Field] = {}
        for other, sketch in self._sketches.items():
            theirs = sketch.types.get(item.name)
            if other == subgraph or theirs is None:
                continue
            offers.update({n: f for n, f in theirs.fields.items() if f.is_plain and n < name and not f.is_external})
        parts: list[str] = []
        sketch = self._sketches[subgraph]
        wide = [n for n, f in offers.items() if f.named_type in self._truth and f.named_type in sketch.abstract]
        chosen = self._some(sorted(offers), 1, 3) + (self._some(sorted(wide), 1, 1) if self._chance(0.5) else [])
        for offered in dict.fromkeys(chosen):
            field_there = offers[offered]
            if offered in item.fields and not item.fields[offered].is_external:
                continue
            part = self._selection(subgraph, offered, field_there, 0)
            if part is None:
                continue
            item.fields.setdefault(offered, Field(field_there.type, field_there.arguments, is_external=True))
            self._need_existing(subgraph, field_there)
            parts.append(part)
        return " ".join(parts)

    def _need_existing(self, subgraph: str, wanted: Field) -> None:
        name = wanted.named_type
        sketch = self._sketches[subgraph]
        if "Filter" in wanted.arguments:
            sketch.has_filter = True
        if name == "Json":
            sketch.has_json = True
        if name == "Color" and not sketch.colors:
            sketch.colors = ["RED", "BLUE"]

    def _selection(self, subgraph: str, name: str, wanted: Field, depth: int) -> str | None:
        """The field as a part of a field set; None when the subgraph does not know its type."""
        text = name + self._literals(wanted.arguments)
        named = wanted.named_type
        if named in ("Ref", "Owner"):
            return f"{text} {{ {'uid' if named == 'Ref' else 'id'} }}"
        if named not in self._truth:
            return text
        sketch = self._sketches[subgraph]
        if named not in sketch.types and named not in sketch.unions:
            return None
        below = self._selections(subgraph, named, depth + 1)
        return f"{text} {{ {below} }}" if below else None

    def _selections(self, subgraph: str, name: str, depth: int) -> str:
        sketch = self._sketches[subgraph]
        if depth > 3:
            return ""
        if name in sketch.unions or (name in sketch.abstract and self._chance(0.5)):
            members = [m for m in sketch.abstract[name] if m in sketch.types]
            parts = [
                f"... on {m} {{ {below} }}" for m in members if (below := self._selections(subgraph, m, depth + 1))
            ]
            return " ".join(parts)
        item = sketch.types[name]
        found: list[str] = []
        for field_name in self._some(
            sorted(n for n, f in item.fields.items() if not f.is_external and not f.requires), 1, 2
        ):
            part = self._selection(subgraph, field_name, item.fields[field_name], depth)
            if part:
                found.append(part)
        if self._chance(0.3) and item.keys:
            found += self._external_parts(subgraph, item)
        return " ".join(found)

    def _external_parts(self, subgraph: str, item: TypeSketch, *, is_provided: bool = False) -> list[str]:
        """A leaf of the type that another subgraph resolves, declared external here. What is provided must be
        shareable where it is resolved, and may have no arguments."""
        for other, sketch in self._sketches.items():
            theirs = sketch.types.get(item.name)
            if other == subgraph or theirs is None or theirs.is_interface_object != item.is_interface_object:
                continue
            for name, offered in theirs.fields.items():
                if (
                    not offered.is_leaf
                    or offered.is_key
                    or offered.is_external
                    or offered.requires
                    or name in item.fields
                ):
                    continue
                if is_provided and offered.arguments:
                    continue
                item.fields[name] = Field(offered.type, offered.arguments, is_external=True)
                self._need_existing(subgraph, offered)
                if is_provided:
                    self._share(item.name, name)
                return [name + self._literals(offered.arguments)]
        return []

    def _share(self, type_name: str, name: str) -> None:
        for sketch in self._sketches.values():
            own = sketch.types[type_name].fields.get(name) if type_name in sketch.types else None
            if own is not None and not own.is_external:
                own.is_shareable = True

    def _literals(self, arguments: str) -> str:
        given: list[str] = []
        for text in arguments.strip("()").split(", ") if arguments else ():
            name, _, kind = text.partition(": ")
            if "!" not in kind.partition("=")[0].strip()[-1:] and self._chance(0.4):
                continue
            if kind.startswith("Boolean! ="):
                given.append(f"{name}: false")
            else:
                literal = {
                    "Int": str(self._random.randint(1, 2)),
                    "Int!": str(self._random.randint(1, 2)),
                    "[Int!]": "[1, 2]",
                    "Filter": "{n: 1}",
                }
                given.append(f"{name}: {literal.get(kind, chr(92) + chr(34) + 'y' + chr(92) + chr(34))}")
        return f"({', '.join(given)})" if given else ""

    def _add_provides(self) -> None:
        for subgraph, sketch in self._sketches.items():
            for item in [item for item in sketch.types.values() if item.kind == "type"]:
                for own in list(item.fields.values()):
                    is_known = own.named_type in {*sketch.types, *sketch.unions} and own.named_type in self._truth
                    if is_known and not own.is_external and self._chance(0.3):
                        own.provides = " ".join(dict.fromkeys(self._provision(subgraph, own.named_type, 0)))

    def _provision(self, subgraph: str, name: str, depth: int) -> list[str]:
        sketch = self._sketches[subgraph]
        if name in sketch.abstract:
            parts: list[str] = []
            for member in sketch.abstract[name]:
                below = " ".join(self._provision(subgraph, member, depth + 1)) if member in sketch.types else ""
                if below:
                    parts.append(f"... on {member} {{ {below} }}")
            return parts
        item = sketch.types[name]
        if item.is_interface_object or not item.keys:
            return []
        found = self._external_parts(subgraph, item, is_provided=True)
        for name, own in list(item.fields.items()):
            if own.is_external and own.is_leaf and not own.arguments and self._chance(0.4):
                self._share(item.name, name)
                found.append(name)
            if depth < 2 and own.is_free and own.named_type in sketch.types and self._chance(0.3):
                below = " ".join(self._provision(subgraph, own.named_type, depth + 1))
                if below:
                    found.append(f"{name} {{ {below} }}")
        return found

    def _drop_unused(self) -> None:
        """External fields that nothing mentions in the end."""
        for sketch in self._sketches.values():
            text = " ".join(
                f"{f.requires} {f.provides}" for item in sketch.types.values() for f in item.fields.values()
            )
            used = set(re.findall(r"\w+", text))
            for item in sketch.types.values():
                item.fields = {n: f for n, f in item.fields.items() if not f.is_external or n in used}

    def _add_overrides(self) -> None:
        for (type_name, name), owners in self._resolvers.items():
            if len(owners) != 1 or not self._chance(0.12):
                continue
            homes = [s for s, sketch in self._sketches.items() if s not in owners and type_name in sketch.types]
            origin = self._sketches[owners[0]].types[type_name].fields[name]
            if (
                not homes
                or origin.requires
                or origin.provides
                or any(name in self._sketches[s].types[type_name].fields for s in homes)
            ):
                continue
            taker = self._random.choice(homes)
            if origin.named_type in self._truth and origin.named_type not in {
                *self._sketches[taker].types,
                *self._sketches[taker].unions,
            }:
                continue
            label = self._random.choice(("", "", ', label: "percent(50)"', ', label: "beta"'))
            override = f'@override(from: "{owners[0]}"{label})'
            self._sketches[taker].types[type_name].fields[name] = Field(origin.type, origin.arguments, more=override)
            self._need_existing(taker, origin)

    def _add_inaccessible(self) -> None:
        for sketch in self._sketches.values():
            for item in sketch.types.values():
                for name, own in item.fields.items():
                    if own.is_plain and not own.is_external and name.startswith("f") and self._chance(0.04):
                        own.more += " @inaccessible"

    def _add_context(self) -> None:
        """A type sets a context from one of its leaves; an entity that is only found below takes it as an argument."""
        sketch = self._sketches[self._random.choice(list(self._sketches))]
        setters = [
            (item, name, own)
            for item in sketch.types.values()
            for name, own in item.fields.items()
            if item.name[0] in "EV" and own.is_free and own.is_leaf and "[" not in own.type and not own.more
        ]
        if not setters or not self._chance(0.25):
            return
        setter, leaf, own = self._random.choice(setters)
        setter.context = "ctx"
        setter.fields["below"] = Field(self._random.choice(("C0", "[C0!]", "C0!", "[[C0]]")))
        child = sketch.type("C0")
        child.keys["id"] = True
        child.fields["id"] = Field("ID!", is_key=True)
        taken = f'a: {own.named_type} @fromContext(field: "$ctx {{ {leaf} }}")'
        child.fields["f0"] = Field("String", f"({taken})")
        child.fields["f1"] = Field("Int", f"(n: Int, {taken})")
        child.fields["f2"] = Field("Int")
        child.fields["f3"] = Field(self._random.choice(("C0", "[C0]", setter.name)))

    def _of(self, kind: str) -> list[_Truth]:
        return [truth for truth in self._truth.values() if truth.kind == kind]

    def _shuffled(self, items: list[str]) -> list[str]:
        return self._random.sample(items, len(items))


def _named(kind: str) -> str:
    return kind.replace("[", "").replace("]", "").replace("!", "")
