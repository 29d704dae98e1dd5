"""Which subgraph has what: each field gets the subgraphs that resolve it, each subgraph the types it needs for that."""

from __future__ import annotations

from graphql import FieldNode, SelectionSetNode

from tests.kit.oracle.facts import field_set
from tests.kit.oracle.random_supergraph.draw import Draw
from tests.kit.oracle.random_supergraph.whole import Whole, WholeType
from tests.kit.oracle.sketch import Field, Sketch, TypeSketch, named

#: fields of keys that are no ID
_KEY_FIELDS = {
    "sku": "String!",
    "code": "Int!",
    "left": "Int!",
    "right": "String!",
    "ref": "Ref!",
    "parts": "[Ref!]!",
    "owner": "Owner!",
}


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
        self.apart: list[str] = []  #: those in which it is an object

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
        apart_count = 2 if len(others) > 1 and self._draw.chance(0.3) else 1
        for entity in self._whole.of("entity"):
            known: list[str] = []
            if entity.name in gathered:
                self._define_entity(home, entity, ["id"])
                known.append("id")
            homes = others[:-apart_count] if entity.name in gathered else [home, *others]
            for name in self._draw.shuffled(homes)[: self._draw.number(1, len(self.sketches))]:
                keys = self._draw.some(known, 1, 1) if known else []
                keys += [key for key in self._draw.some(entity.keys, 1, 2) if key not in keys]
                known += [key for key in keys if key not in known]
                self._define_entity(name, entity, keys)
        if self._whole.gathered:
            self._need_type(home, self._whole.gathered)
            self.gathered_at, self.apart = home, others[-apart_count:]
            for subgraph in self.apart:
                self._define_interface_object(subgraph, self._whole.gathered)

    def _define_entity(self, subgraph: str, entity: WholeType, keys: list[str]) -> TypeSketch:
        sketch = self.sketches[subgraph].type(entity.name)
        for key in keys:
            if key not in sketch.keys:
                sketch.keys[key] = True
                self._define_key_fields(subgraph, sketch, field_set(key))
        return sketch

    def extend_types(self) -> None:
        """All but the first definition of an entity may be extensions, where Federation 1 has such."""
        seen: set[str] = set()
        for sketch in self.sketches.values():
            for item in sketch.types.values():
                item.is_extension = item.name in seen and self._draw.chance(0.5)
                if item.keys and item.kind == "type":
                    seen.add(item.name)

    def _forget_keys(self, item: TypeSketch) -> None:
        """An entity elsewhere, and here a value with the fields of a key."""
        item.keys.clear()
        for own in item.fields.values():
            own.is_key, own.is_shareable = False, True

    def _define_key_fields(self, subgraph: str, item: TypeSketch, selections: SelectionSetNode) -> None:
        for node in selections.selections:
            assert isinstance(node, FieldNode)
            kind = _KEY_FIELDS.get(node.name.value, "ID!")
            is_key = any(node.name.value in key.split() for key in item.keys)
            item.fields.setdefault(node.name.value, Field(kind, is_key=is_key, is_shareable=not is_key))
            if node.selection_set is not None:
                below = self.sketches[subgraph].type(named(kind))
                if below.name == "Owner":
                    below.keys["id"] = True
                self._define_key_fields(subgraph, below, node.selection_set)

    def _define_interface_object(self, subgraph: str, name: str) -> None:
        sketch = self.sketches[subgraph]
        item = sketch.type(name)
        item.is_interface_object = True
        item.keys["id"] = True
        item.fields["id"] = Field("ID!", is_key=True)
        for number in range(self._draw.number(1, 3)):
            kind = self._draw.one(("Int", "String", "[Int!]", name, f"[{name}]", *sketch.plain_types()))
            item.fields[f"{name.lower()}_{subgraph}{number}"] = Field(kind, self._draw.one(("", "", "(n: Int)")))
        if len(self.apart) > 1 and self._draw.chance(0.5):
            item.fields[f"{name.lower()}_all"] = Field(f"[{name}]", is_shareable=True)
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
        if subgraph not in self.apart or known is None or name in (self._whole.gathered, *seen):
            return True
        if known.kind == "entity":
            return name not in self._whole.gathered_types
        below = known.members or [kind for _, kind in known.fields.values()]
        return all(self._can_know(subgraph, each, (*seen, name)) for each in below)

    def _define_member(self, subgraph: str, owner: WholeType, name: str, *, is_shareable: bool) -> None:
        if name not in self.sketches[subgraph].type(owner.name).fields:
            arguments, kind = owner.fields[name]
            self._need_type(subgraph, kind)
            own = Field(self._narrowed(kind), arguments, is_shareable=is_shareable)
            self.define_field(subgraph, owner.name, name, own)

    def _narrowed(self, kind: str) -> str:
        """Now and then less than the field may be elsewhere: never null, or one type of an interface."""
        wanted = self._whole.types.get(named(kind))
        if wanted is not None and wanted.members and wanted.name != self._whole.gathered and self._draw.chance(0.05):
            kind = kind.replace(wanted.name, self._draw.one(wanted.members))
        return f"{kind}!" if not kind.endswith("!") and self._draw.chance(0.04) else kind

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
                keys = next(
                    s.types[name].keys for s in self.sketches.values() if name in s.types and s.types[name].keys
                )
                key = self._draw.one(sorted(keys))
                self._define_entity(subgraph, wanted, [key])
                if self._draw.chance(0.4):
                    sketch.types[name].keys[key] = False
                elif self._draw.chance(0.15):
                    self._forget_keys(sketch.types[name])
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
        self._nest_interfaces()
        self._key_interfaces()

    def _nest_interfaces(self) -> None:
        """One interface implements another where all its types do. It has the fields of the other everywhere, or not at
        all."""
        for wider in [item for item in self._whole.of("interface") if item.name[0] == "J"]:
            narrower = f"I{wider.name[1:]}"
            declared = {
                name
                for sketch in self.sketches.values()
                if wider.name in sketch.types
                for name in sketch.types[wider.name].fields
            }
            for sketch in self.sketches.values():
                if not {wider.name, narrower} <= sketch.abstract.keys():
                    continue
                has_types = set(sketch.abstract[narrower]) <= set(sketch.abstract[wider.name])
                if has_types and declared <= sketch.types[narrower].fields.keys():
                    sketch.types[narrower].implements.append(wider.name)

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
