"""The SDL of one subgraph while it is being made up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace


def named(kind: str) -> str:
    """A type without its lists and non-nulls."""
    return kind.replace("[", "").replace("]", "").replace("!", "")


@dataclass(slots=True)
class Field:
    type: str
    arguments: str = ""
    is_key: bool = False
    is_shareable: bool = False
    is_external: bool = False
    requires: str = ""
    provides: str = ""
    more: str = ""  #: other directives, as text

    @property
    def named_type(self) -> str:
        return named(self.type)

    @property
    def is_leaf(self) -> bool:
        return self.named_type in ("Int", "Float", "String", "Boolean", "ID")

    @property
    def is_free(self) -> bool:
        """Resolved here without any condition."""
        return not (self.is_key or self.is_external or self.arguments or self.requires)

    def sdl(self, name: str, *, is_fed1: bool) -> str:
        text = f"{name}{self.arguments}: {self.type}"
        text += " @shareable" if self.is_shareable and not is_fed1 else ""
        text += " @external" if self.is_external else ""
        text += f' @requires(fields: "{self.requires}")' if self.requires else ""
        text += f' @provides(fields: "{self.provides}")' if self.provides else ""
        return text + (f" {self.more.strip()}" if self.more else "")


@dataclass(slots=True)
class TypeSketch:
    name: str
    kind: str = "type"
    keys: dict[str, bool] = field(default_factory=dict)  #: field set -> resolvable
    fields: dict[str, Field] = field(default_factory=dict)
    implements: list[str] = field(default_factory=list)
    is_interface_object: bool = False
    context: str = ""  #: name of a context that objects of this type set
    is_extension: bool = False  #: says so where it is Federation 1, and that its keys come from elsewhere

    def sdl(self, *, is_fed1: bool) -> str:
        is_extension = is_fed1 and self.is_extension
        head = f"{'extend ' if is_extension else ''}{self.kind} {self.name}"
        head += f" implements {' & '.join(self.implements)}" if self.implements else ""
        for key, is_resolvable in self.keys.items():
            head += f' @key(fields: "{key}"{"" if is_resolvable else ", resolvable: false"})'
        head += " @interfaceObject" if self.is_interface_object else ""
        head += f' @context(name: "{self.context}")' if self.context else ""
        fields = {
            name: replace(each, is_external=True) if is_extension and each.is_key else each
            for name, each in self.fields.items()
        }
        body = "\n".join(f"  {each.sdl(name, is_fed1=is_fed1)}" for name, each in fields.items())
        return f"{head} {{\n{body}\n}}"

    @property
    def is_for_federation_2(self) -> bool:
        return (
            self.is_interface_object
            or bool(self.context)
            or (self.kind == "interface" and bool(self.keys))
            or not all(self.keys.values())
            or any(each.more for each in self.fields.values())
        )


@dataclass(slots=True)
class Sketch:
    types: dict[str, TypeSketch] = field(default_factory=dict)
    abstract: dict[str, list[str]] = field(default_factory=dict)  #: interface or union -> object types
    unions: dict[str, list[str]] = field(default_factory=dict)
    colors: list[str] = field(default_factory=list)
    has_json: bool = False
    has_filter: bool = False
    has_unit: bool = False

    def type(self, name: str, kind: str = "type") -> TypeSketch:
        return self.types.setdefault(name, TypeSketch(name, kind))

    def knows(self, name: str) -> bool:
        return name in self.types or name in self.unions

    def need(self, wanted: Field) -> None:
        """Everything a field of another subgraph needs here but object types."""
        self.need_input(wanted)
        if wanted.named_type == "Json":
            self.has_json = True
        if wanted.named_type == "Color" and not self.colors:
            self.colors = ["RED", "BLUE"]

    def need_input(self, wanted: Field) -> None:
        self.has_filter = self.has_filter or "Filter" in wanted.arguments
        self.has_unit = self.has_unit or "Unit" in wanted.arguments

    def plain_types(self) -> list[str]:
        return [name for name in self.types if name[0] in "EV"]

    def sdl(self, *, is_fed1: bool, has_own_names: bool) -> str:
        """`has_own_names` is about the root types. `is_fed1` is granted when there is nothing that Federation 1 does
        not know."""
        is_fed1 = is_fed1 and not any(item.is_for_federation_2 for item in self.types.values())
        parts = ["# fed1"] if is_fed1 else []
        parts += [item.sdl(is_fed1=is_fed1) for item in self.types.values() if item.fields]
        parts += [f"union {name} = {' | '.join(members)}" for name, members in self.unions.items()]
        if self.colors:
            parts.append(f"enum Color {{ {' '.join(self.colors)} }}")
        if self.has_json:
            parts.append("scalar Json")
        if self.has_unit:
            parts.append("enum Unit { KG LB }")
        if self.has_filter:
            parts.append('input Filter { n: Int, deep: Filter, text: String = "t" }')
        text = "\n".join(parts) + "\n"
        is_renamed = has_own_names and "Query" in self.types
        return _with_own_names(text, [name for name in _ROOTS if name in self.types]) if is_renamed else text


_ROOTS = {"Query": "Ask", "Mutation": "Change", "Subscription": "Follow"}


def _with_own_names(sdl: str, roots: Sequence[str]) -> str:
    for name in roots:
        sdl = re.sub(rf"\b{name}\b", _ROOTS[name], sdl)
    operations = " ".join(f"{name.lower()}: {_ROOTS[name]}" for name in roots)
    return f"{sdl}schema {{ {operations} }}\n"
