"""`@requires` and `@provides`: field sets, and the external fields they name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.kit.oracle.random_supergraph.draw import Draw
from tests.kit.oracle.random_supergraph.whole import Whole
from tests.kit.oracle.sketch import Field, Sketch, TypeSketch


class FieldSets:
    def __init__(self, draw: Draw, whole: Whole, sketches: Mapping[str, Sketch]) -> None:
        self._draw = draw
        self._whole = whole
        self._sketches = sketches

    def add(self) -> None:
        self._add_requires()
        self._add_provides()
        self._drop_unused()

    # --- requires ---------------------------------------------------------------------------------------------------

    def _add_requires(self) -> None:
        for subgraph, sketch in self._sketches.items():
            for item in list(sketch.types.values()):
                if item.kind == "interface" or not any(item.keys.values()):
                    continue
                for name, own in list(item.fields.items()):
                    if not own.is_key and not own.is_shareable and self._draw.chance(0.3):
                        own.requires = self._requirement(subgraph, item, name)

    def _requirement(self, subgraph: str, item: TypeSketch, name: str) -> str:
        """Of fields that other subgraphs resolve and that require nothing of what comes later in the alphabet, so that
        no field requires itself."""
        offers: dict[str, Field] = {}
        for other, sketch in self._sketches.items():
            theirs = sketch.types.get(item.name)
            if other == subgraph or theirs is None:
                continue
            offers.update({n: f for n, f in theirs.fields.items() if not f.is_key and n < name and not f.is_external})
        parts: list[str] = []
        sketch = self._sketches[subgraph]
        wide = [n for n, f in offers.items() if f.named_type in self._whole.types and f.named_type in sketch.abstract]
        chosen = self._draw.some(sorted(offers), 1, 3)
        chosen += self._draw.some(sorted(wide), 1, 1) if self._draw.chance(0.5) else []
        for offered in dict.fromkeys(chosen):
            field_there = offers[offered]
            if offered in item.fields and not item.fields[offered].is_external:
                continue
            part = self._selection(subgraph, offered, field_there, 0)
            if part is None:
                continue
            item.fields.setdefault(offered, Field(field_there.type, field_there.arguments, is_external=True))
            sketch.need(field_there)
            parts.append(part)
        return " ".join(parts)

    def _selection(self, subgraph: str, name: str, wanted: Field, depth: int) -> str | None:
        """The field as a part of a field set; None when the subgraph does not know its type."""
        text = name + self._literals(wanted.arguments)
        named_type = wanted.named_type
        if named_type in ("Ref", "Owner"):
            return f"{text} {{ {'uid' if named_type == 'Ref' else 'id'} }}"
        if named_type not in self._whole.types:
            return text
        if not self._sketches[subgraph].knows(named_type):
            return None
        below = self._selections(subgraph, named_type, depth + 1)
        return f"{text} {{ {below} }}" if below else None

    def _selections(self, subgraph: str, name: str, depth: int) -> str:
        sketch = self._sketches[subgraph]
        if depth > 3:
            return ""
        if name in sketch.unions or (name in sketch.abstract and self._draw.chance(0.5)):
            members = [m for m in sketch.abstract[name] if m in sketch.types]
            return _on_types({member: self._selections(subgraph, member, depth + 1) for member in members})
        item = sketch.types[name]
        found: list[str] = []
        for field_name in self._draw.some(
            sorted(n for n, f in item.fields.items() if not f.is_external and not f.requires), 1, 2
        ):
            part = self._selection(subgraph, field_name, item.fields[field_name], depth)
            if part:
                found.append(part)
        if self._draw.chance(0.3) and item.keys:
            found += self._external_parts(subgraph, item)
        if self._draw.chance(0.1):
            found.append("__typename")
        return " ".join(found)

    # --- provides ---------------------------------------------------------------------------------------------------

    def _add_provides(self) -> None:
        for subgraph, sketch in self._sketches.items():
            for item in [item for item in sketch.types.values() if item.kind == "type"]:
                for own in list(item.fields.values()):
                    is_known = sketch.knows(own.named_type) and own.named_type in self._whole.types
                    if is_known and not own.is_external and self._draw.chance(0.3):
                        own.provides = " ".join(dict.fromkeys(self._provision(subgraph, own.named_type, 0)))

    def _provision(self, subgraph: str, name: str, depth: int) -> list[str]:
        sketch = self._sketches[subgraph]
        if name in sketch.abstract:
            members = [member for member in sketch.abstract[name] if member in sketch.types]
            below = {member: " ".join(self._provision(subgraph, member, depth + 1)) for member in members}
            return [text] if (text := _on_types(below)) else []
        item = sketch.types[name]
        if item.is_interface_object or not item.keys:
            return []
        found = self._external_parts(subgraph, item, is_provided=True)
        for field_name, own in list(item.fields.items()):
            if own.is_external and own.is_leaf and not own.arguments and self._draw.chance(0.4):
                self._share(item.name, field_name)
                found.append(field_name)
            if depth < 2 and own.is_free and own.named_type in sketch.types and self._draw.chance(0.3):
                text = " ".join(self._provision(subgraph, own.named_type, depth + 1))
                if text:
                    found.append(f"{field_name} {{ {text} }}")
        return found

    # --- external fields --------------------------------------------------------------------------------------------

    def _external_parts(self, subgraph: str, item: TypeSketch, *, is_provided: bool = False) -> list[str]:
        """A leaf of the type that another subgraph resolves, declared external here. What is provided must be
        shareable where it is resolved, and may have no arguments."""
        for other, sketch in self._sketches.items():
            theirs = sketch.types.get(item.name)
            if other == subgraph or theirs is None or theirs.is_interface_object != item.is_interface_object:
                continue
            for name, offered in theirs.fields.items():
                is_offered = offered.is_leaf and not (offered.is_key or offered.is_external or offered.requires)
                if not is_offered or name in item.fields or (is_provided and offered.arguments):
                    continue
                item.fields[name] = Field(offered.type, offered.arguments, is_external=True)
                self._sketches[subgraph].need(offered)
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
        """Some arguments, as a field set in a string has them."""
        given: list[str] = []
        for text in arguments.strip("()").split(", ") if arguments else ():
            name, _, kind = text.partition(": ")
            if "!" not in kind.partition("=")[0].strip()[-1:] and self._draw.chance(0.4):
                continue
            if kind.startswith("Boolean! ="):
                given.append(f"{name}: false")
            else:
                literal = {
                    "Int": str(self._draw.number(1, 2)),
                    "Int!": str(self._draw.number(1, 2)),
                    "[Int!]": "[1, 2]",
                    "Filter": "{n: 1}",
                    "Unit": "KG",
                    "[[Float]]": "[[1], null]",
                }
                given.append(f"{name}: {literal.get(kind, chr(92) + chr(34) + 'y' + chr(92) + chr(34))}")
        return f"({', '.join(given)})" if given else ""

    def _drop_unused(self) -> None:
        """External fields that nothing mentions in the end."""
        for sketch in self._sketches.values():
            text = " ".join(
                f"{f.requires} {f.provides}" for item in sketch.types.values() for f in item.fields.values()
            )
            used = set(re.findall(r"\w+", text))
            for item in sketch.types.values():
                item.fields = {n: f for n, f in item.fields.items() if not f.is_external or n in used}


def _on_types(below: Mapping[str, str]) -> str:
    return " ".join(f"... on {name} {{ {text} }}" for name, text in below.items() if text)
