"""Which subgraph has what: each field gets the subgraphs that resolve it, each subgraph the types it needs for that."""

from __future__ import annotations

from tests.kit.oracle.random_supergraph.draw import Draw
from tests.kit.oracle.random_supergraph.whole import Whole, WholeType
from tests.kit.oracle.sketch import Field, Sketch, TypeSketch, named


class Homes:
    """`sketches` by subgraph, after `distribute()`; later `declare_abstract_types()`."""

    def __init__(self, draw: Draw, whole: Whole, subgraphs: list[str]) -> None:
        self._draw = draw
        self._whole = whole
        self.sketches = {name: Sketch() for name in subgraphs}
        self.resolvers: dict[tuple[str, str], list[str]] = {}  #: type, field -> subgraphs
        self._pair: list[str] = []  #: the two subgraphs that have all of the split type
        self._split_fields: dict[str, set[str]] = {}  #: what each subgraph has of it
        self._is_barred = False  #: whether it has a key that nobody resolves
        self.gathered_at: str | None = None  #: the subgraph with all types of the gathered interface
        self.apart: str | None = None  #: the one in which it is an object

    def distribute(self) -> None:
        self._split_value()
        self._distribute_keys()
        self._distribute_fields()

    def able(self, kind: str) -> list[str]:
        """Subgraphs that can have a field of the type."""
        return [subgraph for subgraph in self.sketches if self._can_know(subgraph, kind)]

    def define_field(self, subgraph: str, type_name: str, name: str, own: Field) -> None:
        sketch = self.sketches[subgraph]
        sketch.type(type_name).fields[name] = own
        sketch.need_input(own)
        self._need_type(subgraph, own.type)

    # --- the split type ---------------------------------------------------------------------------------------------

    def _split_value(self) -> None:
        """One value type has other fields in every subgraph: its objects come together from several fetches, and a key
        that leads nowhere does not change that."""
        if self._whole.split is None:
            return
        self._pair = self._draw.sample(list(self.sketches), 2)
        self._is_barred = self._draw.chance(0.3)
        fields = list(self._whole.types[self._whole.split].fields)
        for subgraph in self.sketches:
            self._split_fields[subgraph] = set() if subgraph in self._pair else {self._draw.one(fields)}
        for number, name in enumerate(fields):
            for subgraph in self._pair if self._draw.chance(0.2) else [self._pair[number % 2]]:
                self._split_fields[subgraph].add(name)

    # --- keys -------------------------------------------------------------------------------------------------------

    def _distribute_keys(self) -> None:
        """Each subgraph of an entity shares a key with one before it, so that there is always some way."""
        home, *others = self._draw.shuffled(list(self.sketches))
        gathered = self._whole.gathered_types
        for entity in self._whole.of("entity"):
            known: list[str] = []
            if entity.name in gathered:
                self._define_entity(home, entity, ["id"])
                known.append("id")
            homes = others[:-1] if entity.name in gathered else [home, *others]
            for name in self._draw.shuffled(homes)[: self._draw.number(1, len(self.sketches))]:
                keys = self._draw.some(known, 1, 1) if known else []
                keys += [key for key in self._draw.some(entity.keys, 1, 2) if key not in keys]
                known += [key for key in keys if key not in known]
                self._define_entity(name, entity, keys)
        if self._whole.gathered:
            self._need_type(home, self._whole.gathered)
            self.gathered_at, self.apart = home, others[-1]
            self._define_interface_object(self.apart, self._whole.gathered)

    def _define_entity(self, subgraph: str, entity: WholeType, keys: list[str]) -> TypeSketch:
        sketch = self.sketches[subgraph].type(entity.name)
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
            ref = self.sketches[subgraph].type("Ref")
            for name in below.removesuffix("}").split():
                ref.fields.setdefault(name, Field("ID!", is_shareable=True))
        else:
            sketch.fields.setdefault("owner", Field("Owner!", is_key=True))
            owner = self.sketches[subgraph].type("Owner")
            owner.keys["id"] = True
            owner.fields.setdefault("id", Field("ID!", is_key=True))

    def _define_interface_object(self, subgraph: str, name: str) -> None:
        sketch = self.sketches[subgraph]
        item = sketch.type(name)
        item.is_interface_object = True
        item.keys["id"] = True
        item.fields["id"] = Field("ID!", is_key=True)
        for number in range(self._draw.number(1, 3)):
            kind = self._draw.one(("Int", "String", "[Int!]", name, f"[{name}]", *sketch.plain_types()))
            item.fields[f"{name.lower()}_{subgraph}{number}"] = Field(kind, self._draw.one(("", "", "(n: Int)")))
        if self._draw.chance(0.6):
            sketch.type("Query").fields[f"q_{name.lower()}_{subgraph}"] = Field(self._draw.one((name, f"[{name}!]")))

    # --- fields -----------------------------------------------------------------------------------------------------

    def _distribute_fields(self) -> None:
        homes_by_type = {
            entity.name: [name for name, sketch in self.sketches.items() if entity.name in sketch.types]
            for entity in self._whole.of("entity")
        }
        for entity in self._whole.of("entity"):
            for name, (_, kind) in entity.fields.items():
                homes = [home for home in homes_by_type[entity.name] if self._can_know(home, kind)]
                homes = homes or homes_by_type[entity.name][:1]
                chosen = self._draw.some(homes, 1, 1) if self._draw.chance(0.7) else self._draw.some(homes, 1, 2)
                if self._whole.is_split(kind):
                    chosen = sorted({*homes, *self._pair})
                    for home in set(self._pair).difference(homes):
                        known = list(self.sketches[homes[0]].types[entity.name].keys)
                        self._define_entity(home, entity, self._draw.some(known, 1, 1))
                self.resolvers[entity.name, name] = chosen
                for subgraph in chosen:
                    self._define_member(subgraph, entity, name, is_shareable=len(chosen) > 1)

    def _can_know(self, subgraph: str, kind: str, seen: tuple[str, ...] = ()) -> bool:
        """Whether a type can be in a subgraph without the types that are behind an interface object there."""
        name = named(kind)
        known = self._whole.types.get(name)
        if subgraph != self.apart or known is None or name in (self._whole.gathered, *seen):
            return True
        if known.kind == "entity":
            return name not in self._whole.gathered_types
        below = known.members or [kind for _, kind in known.fields.values()]
        return all(self._can_know(subgraph, each, (*seen, name)) for each in below)

    def _define_member(self, subgraph: str, owner: WholeType, name: str, *, is_shareable: bool) -> None:
        if name not in self.sketches[subgraph].type(owner.name).fields:
            arguments, kind = owner.fields[name]
            self.define_field(subgraph, owner.name, name, Field(kind, arguments, is_shareable=is_shareable))

    def _need_type(self, subgraph: str, kind: str) -> None:
        name = named(kind)
        sketch = self.sketches[subgraph]
        if name == "Color" and not sketch.colors:
            sketch.colors = ["RED", "BLUE", *self._draw.some(["GREEN", "GREY", "PINK"], 0, 3)]
        elif name == "Json":
            sketch.has_json = True
        wanted = self._whole.types.get(name)
        if wanted is None or name in sketch.types or name in sketch.abstract:
            return
        match wanted.kind:
            case "entity":
                keys = next(s.types[name].keys for s in self.sketches.values() if name in s.types)
                key = self._draw.one(sorted(keys))
                self._define_entity(subgraph, wanted, [key])
                if self._draw.chance(0.4):
                    sketch.types[name].keys[key] = False
            case "value":
                self._define_value(subgraph, wanted)
            case _:
                sketch.abstract[name] = []
                known = [member for member in wanted.members if member in sketch.types]
                members = wanted.members if self._draw.chance(0.6) or not known else known
                sketch.abstract[name] = [*members]
                for member in members:
                    self._need_type(subgraph, member)

    def _define_value(self, subgraph: str, value: WholeType) -> None:
        item = self.sketches[subgraph].type(value.name)
        if value.name == self._whole.split and self._is_barred:
            item.keys["id"] = False
            item.fields["id"] = Field("ID!", is_key=True)
        chosen = self._split_fields[subgraph] if value.name == self._whole.split else value.fields
        for name in sorted(chosen):
            self._define_member(subgraph, value, name, is_shareable=True)

    # --- interfaces and unions --------------------------------------------------------------------------------------

    def declare_abstract_types(self) -> None:
        """A subgraph's interface has the fields that all of its types have there."""
        for sketch in self.sketches.values():
            for name, members in sketch.abstract.items():
                if self._whole.types[name].kind == "interface":
                    self._declare_interface(sketch, self._whole.types[name])
                else:
                    sketch.unions[name] = members
        self._key_interfaces()

    def _declare_interface(self, sketch: Sketch, interface: WholeType) -> None:
        members = [member for member in interface.members if member in sketch.types]
        shared = set.intersection(*(set(sketch.types[member].fields) for member in members))
        own = sorted(shared & set(interface.fields))
        if not own:
            own = ["any"]
            self._define_everywhere("any", interface.members)
        item = sketch.type(interface.name, "interface")
        for name in own:
            sample = sketch.types[members[0]].fields[name]
            arguments, kind = interface.fields.get(name, (sample.arguments, sample.type))
            item.fields[name] = Field(kind, arguments)
        for member in members:
            sketch.types[member].implements.append(interface.name)

    def _define_everywhere(self, name: str, types: list[str]) -> None:
        for sketch in self.sketches.values():
            for type_name in types:
                if type_name in sketch.types:
                    sketch.types[type_name].fields[name] = Field("Int", is_shareable=True)

    def _key_interfaces(self) -> None:
        """The gathered interface has a key wherever all its types are."""
        name = self._whole.gathered
        if name is None:
            return
        for sketch in self.sketches.values():
            members = [sketch.types.get(member) for member in self._whole.gathered_types]
            if name in sketch.types and all(member is not None and member.keys.get("id") for member in members):
                sketch.types[name].keys["id"] = True
                sketch.types[name].fields.setdefault("id", Field("ID!", is_key=True))
