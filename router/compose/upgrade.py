"""Federation 1 subgraphs become Federation 2 subgraphs that mean the same.

Federation 1 shared value types and root fields freely, wanted @external on the keys of extensions, and overlooked much;
Federation 2 says what is shared and is strict. In: all subgraphs, built and valid. Out: the same list, where those of
Federation 1 were changed in place. Source: the upgrade rules of Apollo's composition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from router.compose.define import add_feature
from router.compose.facts import Facts, gather_facts
from router.compose.field_sets import FieldSelection, FieldSetError, Selection, resolve, selected_fields
from router.compose.findings import Findings
from router.compose.links import LINK_URL
from router.compose.report import Report, name_list
from router.compose.schema import COMPOSITE, Application, Field, Kind, Schema, TypeDefinition, applied
from router.compose.subgraph import Subgraph, federation_names
from router.compose.type_ref import base_name
from router.compose.validate import validate_subgraph
from router.compose.values import EnumText, same_value
from router.federation import specs
from router.federation.link import Import, LinkTable, make_link
from router.federation.version import LinkError


@dataclass(frozen=True, slots=True)
class _Before:
    """What other subgraphs look up in a subgraph as it was before any upgrade."""

    name: str
    types: dict[str, _TypeBefore]
    facts: Facts
    marked_external: frozenset[str]
    tags: dict[str, list[Application]]  #: coordinate of a field -> its @tag


@dataclass(frozen=True, slots=True)
class _TypeBefore:
    fields: frozenset[str]
    is_defined: bool
    key_fields: frozenset[str]  #: the fields of its first key


def upgrade_subgraphs(subgraphs: Sequence[Subgraph], report: Report) -> None:
    if all(subgraph.is_fed2 for subgraph in subgraphs):
        return
    before = [_before(subgraph) for subgraph in subgraphs]
    interface_objects: dict[str, list[str]] = {}
    for snapshot in before:
        for _, element, _ in snapshot.facts.uses.get("interfaceObject", ()):
            interface_objects.setdefault(element.coordinate, []).append(snapshot.name)
    for subgraph, own in zip(subgraphs, before, strict=True):
        if subgraph.is_fed2:
            continue
        findings = Findings()
        upgrade = _Upgrade(subgraph, own, [other for other in before if other is not own], findings)
        upgrade.run()
        findings.publish(subgraph.name, report)
        for name in sorted(upgrade.keyed_interfaces & interface_objects.keys()):
            report.error(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f'"{name}" is an @interfaceObject in {name_list(interface_objects[name])}, which needs a @key on the'
                f' interface elsewhere; but in subgraph "{subgraph.name}", of Federation 1, that key has no effect.',
                subgraphs=(subgraph.name,),
            )


def _before(subgraph: Subgraph) -> _Before:
    facts = gather_facts(subgraph)
    types: dict[str, _TypeBefore] = {}
    tags: dict[str, list[Application]] = {}
    for type_ in subgraph.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        key = subgraph.applied(type_, "key")
        keys = _own_key_fields(subgraph.schema, type_, key) if key else []
        types[type_.name] = _TypeBefore(
            frozenset(type_.fields), type_.is_defined, frozenset(field.name for field in keys)
        )
        for field in type_.fields.values():
            used = [use for use in field.applications if use.name == "tag"]
            if used:
                tags[field.coordinate] = used
    marked = frozenset(element.coordinate for _, element, _ in facts.uses.get("external", ()))
    return _Before(subgraph.name, types, facts, marked, tags)


def _own_key_fields(schema: Schema, type_: TypeDefinition, key: Application) -> list[Field]:
    fields = selected_fields(schema, type_, key.arguments.get("fields"), implementations=False)
    return [field for field in fields if field.parent == type_.name]


class _Upgrade:
    """The steps, in an order that matters: each may leave work for a later one."""

    def __init__(self, subgraph: Subgraph, own: _Before, others: list[_Before], findings: Findings) -> None:
        self.subgraph = subgraph
        self.schema = subgraph.schema
        self.own = own
        self.others = others
        self.findings = findings
        self.keyed_interfaces: set[str] = set()

    def run(self) -> None:
        self._link_federation()
        if self.findings:
            return
        self._require_bases()
        self._make_field_sets_strings()
        self._remove_meaningless_external()
        self._remove_external_from_extension_keys()
        self._remove_inactive_field_sets()
        self._turn_extensions_into_definitions()
        self._remove_federation_from_interfaces()
        self._remove_provides_of_leaves()
        self._remove_unused_external()
        self._share()
        self._remove_tags_of_external()
        if not self.findings:
            validate_subgraph(self.subgraph, self.findings)

    def _link_federation(self) -> None:
        spec = specs.federation_spec(specs.UPGRADED_FEDERATION)
        if spec is None:
            return
        table = self.subgraph.links
        link = make_link(spec.url, None, [Import(f"@{name}", f"@{name}") for name in spec.directives])
        try:
            if table is None:
                # a subgraph may have a directive of its own that is called @link
                alias = "link1" if "link" in self.schema.directives else None
                table = LinkTable(make_link(LINK_URL, alias, ()))
            table.add(link)
        except LinkError as error:
            self.findings.add_link_error(error, self.schema.element.node)
            return
        if "_FieldSet" in self.schema.types:
            del self.schema.types["_FieldSet"]
        for name in ("key", "requires", "provides"):
            self.schema.directives.pop(name, None)
        add_feature(self.schema, spec, link, self.findings)
        self.subgraph.links = table
        self.subgraph.version = spec.url.version
        self.subgraph.names = federation_names(table, self.schema)

    def _is_extension(self, type_: TypeDefinition) -> bool:
        """In Federation 1 an extension without definition, or with @extends, stands for a type of another subgraph."""
        extends = applied(type_, "extends") is not None
        return type_.kind in (Kind.OBJECT, Kind.INTERFACE) and (extends or (type_.is_extended and not type_.is_defined))

    def _others_with(self, type_name: str) -> Iterable[_TypeBefore]:
        return (other.types[type_name] for other in self.others if type_name in other.types)

    def _require_bases(self) -> None:
        for type_ in self.schema.types.values():
            if self.schema.root_kind(type_.name) or not self._is_extension(type_):
                continue
            if not any(other.is_defined for other in self._others_with(type_.name)):
                node = type_.extension_nodes[0] if type_.extension_nodes else type_.node
                self.findings.add(
                    "EXTENSION_WITH_NO_BASE", f'"{type_.name}" is extended, but no subgraph defines it.', node
                )

    def _make_field_sets_strings(self) -> None:
        for element in self.schema.elements():
            for use in element.applications:
                if use.name not in ("key", "requires", "provides"):
                    continue
                fields = use.arguments.get("fields")
                if isinstance(fields, list) and all(isinstance(item, str) for item in fields):
                    use.arguments["fields"] = " ".join(str(item) for item in fields)
                elif isinstance(fields, EnumText):
                    use.arguments["fields"] = str(fields)

    def _remove_meaningless_external(self) -> None:
        for type_ in self.schema.of_kind(Kind.OBJECT):
            _remove(type_, "external")
        for interface in self.schema.of_kind(Kind.INTERFACE):
            for field in interface.fields.values():
                _remove(field, "external")

    def _remove_external_from_extension_keys(self) -> None:
        for type_ in self.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
            if not self._is_extension(type_):
                continue
            keys = self.subgraph.all_applied(type_, "key")
            for key in keys:
                for field in _own_key_fields(self.schema, type_, key):
                    _remove(field, "external")
            if keys:
                continue
            # without a key of its own, the extension resolves the first key of the other subgraphs
            for other in self._others_with(type_.name):
                for name in other.key_fields & type_.fields.keys():
                    _remove(type_.fields[name], "external")

    def _remove_inactive_field_sets(self) -> None:
        for type_ in self.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
            for field in type_.fields.values():
                target = self.schema.types.get(base_name(field.type))
                if target is not None and target.kind in COMPOSITE:
                    self._prune_field_sets(field, "provides", target)
                self._prune_field_sets(field, "requires", type_)

    def _prune_field_sets(self, field: Field, directive: str, parent: TypeDefinition) -> None:
        for use in self.subgraph.all_applied(field, directive):
            text = use.arguments.get("fields")
            try:
                selections = resolve(self.schema, parent, text) if isinstance(text, str) else ()
            except FieldSetError:
                continue
            kept = self._external_part(selections)
            if kept == selections:
                continue
            if kept:
                use.arguments["fields"] = print_selections(kept)
            else:
                field.applications.remove(use)

    def _external_part(self, selections: tuple[Selection, ...]) -> tuple[Selection, ...]:
        """Without the leaves that this subgraph resolves itself."""
        kept: list[Selection] = []
        for selection in selections:
            if isinstance(selection, FieldSelection):
                if selection.field is not None and self._is_marked_external(selection.parent, selection.field):
                    kept.append(selection)
                    continue
                inner = self._external_part(selection.selections)
                if inner == selection.selections and inner:
                    kept.append(selection)
                elif inner:
                    kept.append(
                        FieldSelection(
                            selection.parent,
                            selection.name,
                            selection.field,
                            inner,
                            selection.arguments,
                            selection.alias,
                            selection.directives,
                        )
                    )
                continue
            inner = self._external_part(selection.selections)
            if inner:
                kept.append(
                    selection
                    if inner == selection.selections
                    else type(selection)(selection.parent, selection.condition, inner, selection.directives)
                )
        return tuple(kept)

    def _is_marked_external(self, parent: TypeDefinition, field: Field) -> bool:
        if applied(field, "external"):
            return True
        if parent.kind is not Kind.INTERFACE:
            return False
        implementations = (self.subgraph.field_at(n, field.name) for n in self.schema.possible_types(parent.name))
        return any(other is not None and applied(other, "external") for other in implementations)

    def _turn_extensions_into_definitions(self) -> None:
        for type_ in self.schema.types.values():
            if not self._is_extension(type_):
                continue
            type_.extension_nodes.clear()
            type_.is_defined = True
            for field in type_.fields.values():
                field.extension = 0
            for use in type_.applications:
                use.extension = 0

    def _remove_federation_from_interfaces(self) -> None:
        for interface in self.schema.of_kind(Kind.INTERFACE):
            if applied(interface, "key"):
                self.keyed_interfaces.add(interface.name)
                _remove(interface, "key")
            for field in interface.fields.values():
                _remove(field, "provides")
                _remove(field, "requires")

    def _remove_provides_of_leaves(self) -> None:
        for type_ in self.schema.of_kind(Kind.OBJECT):
            for field in type_.fields.values():
                target = self.schema.types.get(base_name(field.type))
                if target is None or target.kind not in COMPOSITE:
                    _remove(field, "provides")

    def _remove_unused_external(self) -> None:
        facts = gather_facts(self.subgraph)
        for type_ in list(self.schema.of_kind(Kind.OBJECT, Kind.INTERFACE)):
            for field in list(type_.fields.values()):
                if facts.is_external(field) and field.coordinate not in facts.used:
                    del type_.fields[field.name]
            if type_.fields or self.schema.roots.get("query") == type_.name:
                continue
            if self._is_referenced(type_.name):
                self.findings.add(
                    "TYPE_WITH_ONLY_UNUSED_EXTERNAL",
                    f'"{type_.name}" has only @external fields, and nothing uses them.',
                    type_.node,
                )
            else:
                del self.schema.types[type_.name]
        self.schema.types_changed()

    def _is_referenced(self, name: str) -> bool:
        return name in self.schema.roots.values() or any(
            name in type_.interfaces
            or name in type_.members
            or any(base_name(field.type) == name for field in type_.fields.values())
            for type_ in self.schema.types.values()
        )

    def _share(self) -> None:
        for type_ in self.schema.of_kind(Kind.OBJECT):
            root = self.schema.root_kind(type_.name)
            if root == "subscription":
                continue
            if root or applied(type_, "key"):
                for field in type_.fields.values():
                    if field.coordinate not in self.own.facts.shareable and self._is_resolved_elsewhere(field):
                        _share(field)
            elif any(True for _ in self._others_with(type_.name)):
                _share(type_)

    def _is_resolved_elsewhere(self, field: Field) -> bool:
        for other in self.others:
            type_ = other.types.get(field.parent)
            if type_ is None or field.name not in type_.fields:
                continue
            if field.coordinate not in other.facts.external or field.coordinate in other.facts.provided:
                return True
        return False

    def _remove_tags_of_external(self) -> None:
        """A tag on an @external field is only repeated from where the field is resolved."""
        for type_ in self.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
            for field in type_.fields.values():
                if not applied(field, "external"):
                    continue
                elsewhere = [
                    tag
                    for other in self.others
                    if field.coordinate not in other.marked_external
                    for tag in other.tags.get(field.coordinate, ())
                ]
                field.applications = [
                    use
                    for use in field.applications
                    if use.name != "tag" or not any(same_value(use.arguments, tag.arguments) for tag in elsewhere)
                ]


def print_selections(selections: tuple[Selection, ...]) -> str:
    """A field set as text."""
    parts: list[str] = []
    for selection in selections:
        inner = f" {{ {print_selections(selection.selections)} }}" if selection.selections else ""
        if isinstance(selection, FieldSelection):
            arguments = ", ".join(f"{name}: {value}" for name, value in selection.arguments)
            parts.append(f"{selection.name}{f'({arguments})' if arguments else ''}{inner}")
        else:
            condition = f" on {selection.condition.name}" if selection.condition else ""
            parts.append(f"...{condition}{inner}")
    return " ".join(parts)


def _share(element: TypeDefinition | Field) -> None:
    if not applied(element, "shareable"):
        element.applications.append(Application("shareable"))


def _remove(element: TypeDefinition | Field, directive: str) -> None:
    element.applications = [use for use in element.applications if use.name != directive]
