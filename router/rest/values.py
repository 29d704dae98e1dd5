"""Values as REST writes them to values as GraphQL wants them, by the types of the operation's variables.

    json_reader(type, names, scalars, renamed) -> Reader       from a body
    text_reader(type, scalars) -> Reader                       from path, query string or header

A reader takes the value and the field's path, which its errors name; it refuses what the type does not have. Readers
are built once per route. Of custom scalars only what the configuration tells of them is checked (type and pattern of a
string); the rest is up to the subgraph that owns them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)

Reader: TypeAlias = Callable[[Any, str], Any]
Scalars: TypeAlias = Mapping[str, Mapping[str, Any]]  #: JSON Schema by the name of a custom scalar
Naming: TypeAlias = Callable[[str], str]  #: a name of the schema to the one clients use

_INT_LIMIT = 1 << 31
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class InvalidFieldError(ValueError):
    """`field` is a path such as `items[0].product_id`; the message never quotes the value, which may be a secret."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def snake_case(name: str) -> str:
    return _WORD.sub("_", name).lower()


def as_is(name: str) -> str:
    return name


def json_reader(type_: GraphQLInputType, names: Naming, scalars: Scalars, renamed: Mapping[str, str]) -> Reader:
    """`renamed` is by the schema's name, and holds for all input objects inside. Input types may contain themselves."""
    return _Builder(names, scalars, renamed).reader(type_)


def text_reader(type_: GraphQLInputType, scalars: Scalars) -> Reader:
    """Lists take what is given several times; everything else is one text."""
    if is_non_null_type(type_):
        return text_reader(type_.of_type, scalars)
    if is_list_type(type_):
        item = text_reader(type_.of_type, scalars)
        return lambda texts, field: [item([text], field) for text in texts]
    if isinstance(type_, GraphQLEnumType):
        check = _enum(type_)
        return lambda texts, field: check(_only(texts, field), field)
    convert = _FROM_TEXT.get(str(type_)) or _custom(scalars.get(str(type_)))
    return lambda texts, field: convert(_only(texts, field), field)


class _Builder:
    def __init__(self, names: Naming, scalars: Scalars, renamed: Mapping[str, str]) -> None:
        self._names = names
        self._scalars = scalars
        self._renamed = renamed
        self._objects: dict[str, Reader] = {}

    def reader(self, type_: GraphQLInputType) -> Reader:
        if isinstance(type_, GraphQLNonNull):
            return _non_null(self.reader(type_.of_type))
        return _nullable(self._of_value(type_))

    def _of_value(self, type_: GraphQLInputType) -> Reader:
        if is_list_type(type_):
            return _list(self.reader(type_.of_type))
        if is_input_object_type(type_):
            return self._object(type_)
        if isinstance(type_, GraphQLEnumType):
            return _enum(type_)
        return _SCALARS.get(str(type_)) or _custom(self._scalars.get(str(type_)))

    def _object(self, type_: GraphQLInputObjectType) -> Reader:
        if type_.name not in self._objects:
            fields: dict[str, tuple[str, Reader]] = {}
            required: list[str] = []

            def read(value: Any, field: str) -> dict[str, Any]:
                if not isinstance(value, dict):
                    raise InvalidFieldError(field, "must be an object")
                read_value: dict[str, Any] = {}
                for key, item in value.items():
                    known = fields.get(key)
                    if known is None:
                        raise InvalidFieldError(join(field, key), "is not known here")
                    read_value[known[0]] = known[1](item, join(field, key))
                for key in required:
                    if key not in value:
                        raise InvalidFieldError(join(field, key), "is required")
                return read_value

            self._objects[type_.name] = read
            for name, definition in type_.fields.items():
                key = self._renamed.get(name) or self._names(name)
                fields[key] = (name, self.reader(definition.type))
                if is_required_input_field(definition):
                    required.append(key)
        return self._objects[type_.name]


def join(field: str, key: str) -> str:
    shown = key if len(key) <= 100 else f"{key[:100]}…"
    return f"{field}.{shown}" if field else shown


def _only(texts: list[str], field: str) -> str:
    if len(texts) != 1:
        raise InvalidFieldError(field, "is given more than once")
    return texts[0]


def _non_null(read: Reader) -> Reader:
    def reader(value: Any, field: str) -> Any:
        if value is None:
            raise InvalidFieldError(field, "must not be null")
        return read(value, field)

    return reader


def _nullable(read: Reader) -> Reader:
    return lambda value, field: None if value is None else read(value, field)


def _list(item: Reader) -> Reader:
    def reader(value: Any, field: str) -> list[Any]:
        if not isinstance(value, list):
            raise InvalidFieldError(field, "must be a list")
        return [item(entry, f"{field}[{index}]") for index, entry in enumerate(value)]

    return reader


def _enum(type_: GraphQLEnumType) -> Reader:
    allowed = frozenset(type_.values)

    def reader(value: Any, field: str) -> Any:
        if not isinstance(value, str) or value not in allowed:
            raise InvalidFieldError(field, f"must be one of {', '.join(type_.values)}")
        return value

    return reader


def _string(value: Any, field: str) -> Any:
    if not isinstance(value, str):
        raise InvalidFieldError(field, "must be a string")
    return value


def _int(value: Any, field: str) -> Any:
    if type(value) is not int or not -_INT_LIMIT <= value < _INT_LIMIT:
        raise InvalidFieldError(field, "must be an integer of 32 bits")
    return value


def _float(value: Any, field: str) -> Any:
    if type(value) not in (int, float):
        raise InvalidFieldError(field, "must be a number")
    return value


def _boolean(value: Any, field: str) -> Any:
    if not isinstance(value, bool):
        raise InvalidFieldError(field, "must be true or false")
    return value


def _custom(schema: Mapping[str, Any] | None) -> Reader:
    if not schema or schema.get("type") != "string":
        return lambda value, _: value
    pattern = _pattern(schema["pattern"]) if "pattern" in schema else None

    def reader(value: Any, field: str) -> Any:
        if not isinstance(value, str):
            raise InvalidFieldError(field, "must be a string")
        if pattern is not None and pattern.search(value) is None:
            raise InvalidFieldError(field, f"must match {schema['pattern']}")
        return value

    return reader


def _pattern(text: str) -> re.Pattern[str]:
    """As JSON Schema means it: `$` is the end, and not also before a line break there."""
    return re.compile(f"{text[:-1]}\\Z" if text.endswith("$") and not text.endswith("\\$") else text)


_SCALARS: Mapping[str, Reader] = {"String": _string, "ID": _string, "Int": _int, "Float": _float, "Boolean": _boolean}


def _int_of(text: str, field: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,10}", text):
        raise InvalidFieldError(field, "must be an integer of 32 bits")
    return int(_int(int(text), field))


def _float_of(text: str, field: str) -> float:
    if not re.fullmatch(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?", text):
        raise InvalidFieldError(field, "must be a number")
    return float(text)


def _boolean_of(text: str, field: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidFieldError(field, "must be true or false")
    return text == "true"


_FROM_TEXT: Mapping[str, Callable[[str, str], Any]] = {
    "String": _string,
    "ID": _string,
    "Int": _int_of,
    "Float": _float_of,
    "Boolean": _boolean_of,
}
