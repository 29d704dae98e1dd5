"""The field sets of @key, @requires and @provides."""

from __future__ import annotations

from router.compose.facts import Facts
from router.compose.field_sets import FieldSelection, FieldSetError, OnField, Selection, resolve
from router.compose.findings import Findings, fatal
from router.compose.schema import COMPOSITE, Application, Field, Kind, Schema, TypeDefinition
from router.compose.subgraph import Subgraph
from router.compose.type_ref import base_name
from router.compose.values import EnumText
from router.federation.version import Version


def check_field_sets(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    """Raises FatalError when a @provides is where it makes no sense."""
    _check_keys(subgraph, facts, findings)
    _check_requires(subgraph, facts, findings)
    _check_provides(subgraph, facts, findings)


def _check_keys(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    key_on_interface = subgraph.version is not None and subgraph.version >= Version(2, 3)
    for use, type_, _ in facts.uses.get("key", ()):
        if not isinstance(type_, TypeDefinition):
            continue
        if type_.kind is Kind.INTERFACE and not key_on_interface:
            findings.add(
                "KEY_UNSUPPORTED_ON_INTERFACE",
                f'@key on interface "{type_.name}" needs federation v2.3 or later.',
                use.node,
            )
        check = _FieldSetCheck("key", use, type_.name, subgraph, facts, findings)
        check.run(type_, _refuse_abstract_fields(subgraph.schema))


def _refuse_abstract_fields(schema: Schema) -> OnField:
    def refuse(_: TypeDefinition, field: Field) -> None:
        type_ = schema.types.get(base_name(field.type))
        if type_ is not None and type_.kind in (Kind.UNION, Kind.INTERFACE):
            raise FieldSetError(
                f'"{field.coordinate}" is of {type_.kind.lower()} type "{type_.name}", which cannot be in a key.',
                "KEY_FIELDS_SELECT_INVALID_TYPE",
            )

    return refuse


def _check_requires(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    for use, field, parent in facts.uses.get("requires", ()):
        if isinstance(field, Field) and isinstance(parent, TypeDefinition):
            _refuse_on_interface("requires", use, field, parent, findings)
            _FieldSetCheck("requires", use, field.coordinate, subgraph, facts, findings).run(parent)


def _check_provides(subgraph: Subgraph, facts: Facts, findings: Findings) -> None:
    for use, field, parent in facts.uses.get("provides", ()):
        if not isinstance(field, Field) or not isinstance(parent, TypeDefinition):
            continue
        if facts.is_external(field):
            raise fatal(
                f'"{field.coordinate}" is @external, so it cannot have @provides.',
                field.node,
                code="EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE",
            )
        type_ = subgraph.schema.types.get(base_name(field.type))
        if type_ is None or type_.kind not in COMPOSITE:
            raise fatal(
                f'"{field.coordinate}: {field.type}" has no fields that @provides could provide.',
                field.node,
                code="PROVIDES_ON_NON_OBJECT_FIELD",
            )
        _refuse_on_interface("provides", use, field, parent, findings)
        _FieldSetCheck("provides", use, field.coordinate, subgraph, facts, findings).run(type_)


def _refuse_on_interface(
    directive: str, use: Application, field: Field, parent: TypeDefinition, findings: Findings
) -> None:
    if parent.kind is Kind.INTERFACE:
        findings.add(
            f"{directive.upper()}_UNSUPPORTED_ON_INTERFACE",
            f'@{directive} cannot be on "{field.coordinate}", a field of an interface.',
            use.node,
        )


class _FieldSetCheck:
    def __init__(
        self, directive: str, use: Application, coordinate: str, subgraph: Subgraph, facts: Facts, findings: Findings
    ) -> None:
        self.directive = directive
        self.use = use
        self.coordinate = coordinate
        self.schema = subgraph.schema
        self.facts = facts
        self.findings = findings

    def run(self, parent: TypeDefinition, on_field: OnField | None = None) -> None:
        text = self.use.arguments.get("fields")
        if not isinstance(text, str) or isinstance(text, EnumText):
            self._add("INVALID_FIELDS_TYPE", '"fields" must be a string.')
            return
        try:
            selections = resolve(self.schema, parent, text, on_field)
        except FieldSetError as error:
            self._add(error.code or "INVALID_FIELDS", error.message)
            return
        alias = next((s.alias for s in _fields(selections) if s.alias), None)
        if alias is not None:
            self._add("INVALID_FIELDS", f'Alias "{alias}" is not possible here.')
            return
        self._check(selections, external_above=False)

    def _check(self, selections: tuple[Selection, ...], *, external_above: bool) -> None:
        for selection in selections:
            if selection.directives:
                self._add("DIRECTIVE_IN_FIELDS_ARG", f"@{selection.directives[0]} is not possible here.")
            if not isinstance(selection, FieldSelection):
                self._check(selection.selections, external_above=external_above)
                continue
            field = selection.field
            is_external = field is not None and self.facts.is_external(field)
            if field is not None:
                self._check_field(field, selection, needs_external=not is_external and not external_above)
            if selection.selections:
                above = external_above or is_external or (field is not None and self._some_external(selection, field))
                self._check(selection.selections, external_above=above)

    def _check_field(self, field: Field, selection: FieldSelection, *, needs_external: bool) -> None:
        if field.arguments and self.directive != "requires":
            self._add("FIELDS_HAS_ARGS", f'"{field.coordinate}" takes arguments.')
        if selection.selections or self.directive == "key" or not needs_external:
            return
        reason = "it is not marked @external"
        if field.coordinate in self.facts.pretended_external:
            reason = "as a key field of a type extension it counts as resolved here, despite its @external"
        self._add("FIELDS_MISSING_EXTERNAL", f'"{field.coordinate}" is resolved by this subgraph: {reason}.')

    def _some_external(self, selection: FieldSelection, field: Field) -> bool:
        """A field of an interface has an external on its path if it is external in some implementation."""
        if selection.parent.kind is not Kind.INTERFACE:
            return False
        names = self.schema.possible_types(selection.parent.name)
        return any(f"{name}.{field.name}" in self.facts.external for name in names)

    def _add(self, code: str, message: str) -> None:
        if not code.startswith(("KEY_", "REQUIRES_", "PROVIDES_")):
            code = f"{self.directive.upper()}_{code}"
        self.findings.add(code, f'@{self.directive} on "{self.coordinate}": {message}', self.use.node)


def _fields(selections: tuple[Selection, ...]) -> list[FieldSelection]:
    found: list[FieldSelection] = []
    for selection in selections:
        if isinstance(selection, FieldSelection):
            found.append(selection)
        found += _fields(selection.selections)
    return found
