"""What the supergraph demands of callers: `@authenticated`, `@requiresScopes`, `@policy`, read once from its schema.

A requirement is an AND of three: being authenticated, one of several sets of scopes, one of several sets of policies.
Demands stand on fields and on types; a field demands what it says itself and what its type says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from graphql import (
    ConstDirectiveNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    get_named_type,
    is_interface_type,
    is_object_type,
    parse,
    value_from_ast_untyped,
)

from common.auth import Principal
from router.supergraph import Supergraph
from router.supergraph.features import read_features


@dataclass(frozen=True, slots=True)
class Requirement:
    is_authenticated: bool = False
    scopes: tuple[frozenset[str], ...] = ()  #: any of these sets, whole; empty: none needed
    policies: tuple[frozenset[str], ...] = ()

    def is_met(self, principal: Principal, policies: frozenset[str]) -> bool:
        """`policies` are those that hold for this request."""
        if self.is_authenticated and not principal.is_authenticated:
            return False
        if self.scopes and not any(principal.scopes.issuperset(scopes) for scopes in self.scopes):
            return False
        return not self.policies or any(policies.issuperset(needed) for needed in self.policies)


_ByType: TypeAlias = Mapping[str, tuple[Requirement, ...]]
_ByField: TypeAlias = Mapping[tuple[str, str], tuple[Requirement, ...]]  # (type, field)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Requirements by name; only what demands something is listed."""

    types: _ByType = field(default_factory=dict)
    fields: _ByField = field(default_factory=dict)
    policies: frozenset[str] = frozenset()  #: every policy that is named anywhere
    scopes: frozenset[str] = frozenset()  #: every scope that is named anywhere

    def __bool__(self) -> bool:
        return bool(self.types or self.fields)

    def view_of(self, principal: Principal, policies: frozenset[str]) -> tuple[object, ...]:
        """Equal for callers who may see the same."""
        return (principal.is_authenticated, principal.scopes & self.scopes, policies)


def read_access_rules(supergraph: Supergraph) -> AccessRules:
    """An interface demands what any of its object types demands: whichever is behind it might be the one."""
    features = read_features(parse(supergraph.sdl, no_location=True))
    names = {
        feature: name
        for feature in ("authenticated", "requiresScopes", "policy")
        if (name := features.directive(feature, feature)) is not None
    }
    if not names:
        return AccessRules()
    types: dict[str, tuple[Requirement, ...]] = {}
    fields: dict[tuple[str, str], tuple[Requirement, ...]] = {}
    api = supergraph.api_schema
    for name in api.type_map:
        own = supergraph.schema.type_map.get(name)
        if own is None:
            continue
        if demanded := _of_type(own, names):
            types[name] = demanded
        for field_name, definition in getattr(own, "fields", {}).items():
            if isinstance(definition, GraphQLField) and (demanded := _read(_directives(definition), names)):
                fields[name, field_name] = demanded
    everything = [requirement for found in (*types.values(), *fields.values()) for requirement in found]
    return AccessRules(
        types,
        _spread_over_interfaces(types, fields, api),
        frozenset().union(*(names for one in everything for names in one.policies)),
        frozenset().union(*(names for one in everything for names in one.scopes)),
    )


def requirements_of(rules: AccessRules, schema: GraphQLSchema, parent: str, name: str) -> tuple[Requirement, ...]:
    """What selecting a field demands: its own and its type's."""
    own = rules.fields.get((parent, name), ())
    on = schema.type_map[parent]
    definition = schema.get_field(on, name) if is_object_type(on) or is_interface_type(on) else None
    return own if definition is None else own + rules.types.get(get_named_type(definition.type).name, ())


def _spread_over_interfaces(types: _ByType, own: _ByField, api: GraphQLSchema) -> _ByField:
    fields = dict(own)
    for name, abstract in api.type_map.items():
        if not is_interface_type(abstract):
            continue
        for field_name in abstract.fields:
            demanded = own.get((name, field_name), ())
            for possible in api.get_possible_types(abstract):
                demanded += own.get((possible.name, field_name), ())
                demanded += types.get(possible.name, ())
            if demanded:
                fields[name, field_name] = tuple(dict.fromkeys(demanded))
    return fields


def _of_type(named: GraphQLNamedType, names: Mapping[str, str]) -> tuple[Requirement, ...]:
    return _read(_directives(named), names)


def _directives(element: GraphQLNamedType | GraphQLField) -> tuple[ConstDirectiveNode, ...]:
    nodes = (element.ast_node, *getattr(element, "extension_ast_nodes", ()))
    return tuple(directive for node in nodes if node is not None for directive in node.directives or ())


def _read(directives: tuple[ConstDirectiveNode, ...], names: Mapping[str, str]) -> tuple[Requirement, ...]:
    demanded: list[Requirement] = []
    for directive in directives:
        applied = directive.name.value
        if applied == names.get("authenticated"):
            demanded.append(Requirement(is_authenticated=True))
        elif applied == names.get("requiresScopes"):
            demanded.append(Requirement(scopes=_sets(directive, "scopes")))
        elif applied == names.get("policy"):
            demanded.append(Requirement(policies=_sets(directive, "policies")))
    return tuple(demanded)


def _sets(directive: ConstDirectiveNode, argument_name: str) -> tuple[frozenset[str], ...]:
    for argument in directive.arguments or ():
        if argument.name.value == argument_name:
            value = value_from_ast_untyped(argument.value)
            rows = value if isinstance(value, list) else [value]
            return tuple(frozenset(row if isinstance(row, list) else [row]) for row in rows)
    return ()
