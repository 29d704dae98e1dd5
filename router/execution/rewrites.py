"""Rewrites a plan asks for, and the type conditions inside their paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, is_abstract_type

from router.execution.collect import JsonObject
from router.plan.nodes import Key, OnTypes, RenameKey, Rewrite, SetValue


def apply_rewrite(rewrite: Rewrite, path: Sequence[object], value: Any, schema: GraphQLSchema) -> None:
    """Change `value` in place. Steps through lists need no mark in the path."""
    if isinstance(value, list):
        for item in value:
            apply_rewrite(rewrite, path, item, schema)
    elif isinstance(value, dict):
        match path:
            case (Key(name),):
                _change(rewrite, value, name)
            case (Key(name), *rest):
                apply_rewrite(rewrite, rest, value.get(name), schema)
            case (OnTypes(names), *rest):
                if applies(names, value.get("__typename"), schema):
                    apply_rewrite(rewrite, rest, value, schema)
            case (_, *rest):
                apply_rewrite(rewrite, rest, value, schema)


def _change(rewrite: Rewrite, value: JsonObject, name: str) -> None:
    match rewrite:
        case SetValue():
            value[name] = rewrite.value
        case RenameKey():
            if name in value:
                moved = value.pop(name)
                value[rewrite.key] = _join(value[rewrite.key], moved) if rewrite.key in value else moved
        case _:
            assert_never(rewrite)


def _join(one: Any, other: Any) -> Any:
    """A field of one object that a document selects twice: on an interface, and on a type that declares it unlike."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key, value in other.items():
            one[key] = _join(one[key], value) if key in one else value
    elif isinstance(one, list) and isinstance(other, list):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=False)):
            one[index] = _join(mine, theirs)
    return one


def applies(conditions: Sequence[str], type_name: object, schema: GraphQLSchema) -> bool:
    """Does a type condition hold for an object whose `__typename` is `type_name`? Without a name it is taken to."""
    if type_name is None or type_name in conditions:
        return True
    for condition in conditions:
        named = schema.type_map.get(condition)
        runtime = schema.type_map.get(type_name) if isinstance(type_name, str) else None
        if named is not None and is_abstract_type(named):
            if isinstance(runtime, GraphQLObjectType | GraphQLInterfaceType) and schema.is_sub_type(named, runtime):
                return True
        # an interface object: all that is known of it is the interface's name
        elif (
            isinstance(runtime, GraphQLInterfaceType)
            and isinstance(named, GraphQLObjectType)
            and schema.is_sub_type(runtime, named)
        ):
            return True
    return False
