"""Small questions about types that several passes ask, by name."""

from __future__ import annotations

from graphql import GraphQLSchema, get_named_type, is_abstract_type, is_composite_type


def possible_types(schema: GraphQLSchema, name: str) -> frozenset[str]:
    """Names of the object types a value of this type can be."""
    named = schema.type_map[name]
    if is_abstract_type(named):
        return frozenset(possible.name for possible in schema.get_possible_types(named))
    return frozenset({name})


def output_type(schema: GraphQLSchema, parent: str, field_name: str) -> str:
    """Name of the type a field gives, without lists and non-null. Raises LookupError for a field that does not exist,
    which validation has excluded."""
    on = schema.type_map[parent]
    definition = schema.get_field(on, field_name) if is_composite_type(on) else None
    if definition is None:
        raise LookupError(f"{parent}.{field_name}")
    return get_named_type(definition.type).name
