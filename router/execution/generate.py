"""Shape -> Python code that builds the answer, as long as everything is in order.

One function for each object shape, whose body is one dict display in response order; `Projection.project` calls the
one for the root. At the first null in a non-null position, value of a wrong type or unknown runtime type the
code raises `OutOfOrderError` (or whatever a wrong type makes Python raise), and the caller starts again with
`complete.py`. So this code needs no paths and no error texts, and the two can be tested against each other.

Where equal entities share one object in the data, `project_shared` has a memo, and what is below a shared object is
built once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLOutputType, get_named_type

from router.execution.leaves import MAX_INT, MIN_INT, complete_id
from router.execution.shape import Below, FieldShape, ObjectShape, Source

#: what generated code may raise instead of an answer
DISORDER = (KeyError, TypeError, AttributeError, ValueError, RecursionError)


class OutOfOrderError(ValueError):
    pass


class Projection:
    """The generated functions of one shape. `project` may raise any of `DISORDER`."""

    def __init__(self, shape: ObjectShape) -> None:
        self._writer = _Writer(is_memoised=False)
        self._memo_writer: _Writer | None = None
        self._shape = shape
        self._plain = self._writer.function(shape)

    def project(self, data: Mapping[str, Any], introspection: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._plain(data, introspection)
        return answer

    def project_shared(self, data: Mapping[str, Any], introspection: Mapping[str, Any]) -> dict[str, Any]:
        if self._memo_writer is None:
            self._memo_writer = _Writer(is_memoised=True)
        answer: dict[str, Any] = self._memo_writer.function(self._shape)(data, _Memo(introspection))
        return answer


class _Memo(dict[tuple[str, int], Any]):
    """(function, id of the object) -> what was made of it. Also carries the answers of introspection."""

    def __init__(self, introspection: Mapping[str, Any]) -> None:
        super().__init__()
        self.get_introspection = introspection.get


class _Dispatch(dict[Any, Callable[..., Any]]):
    """Runtime type -> function, made when the type is first met."""

    def __init__(self, below: Below, writer: _Writer) -> None:
        super().__init__()
        self._below = below
        self._writer = writer

    def __missing__(self, type_name: Any) -> Callable[..., Any]:
        shape = self._below.on(type_name)
        if shape is None:
            raise OutOfOrderError
        made = self[type_name] = self._writer.function(shape)
        return made


def _bad(value: object) -> NoReturn:
    raise OutOfOrderError


class _Writer:
    """Writes functions into one namespace. They call each other by name, so they are written one after the other,
    however deep the shape is."""

    def __init__(self, *, is_memoised: bool) -> None:
        self._is_memoised = is_memoised
        self._name_by_shape: dict[int, str] = {}
        self._shapes: list[ObjectShape] = []  # those that have a name; keeps their ids theirs
        self._written = 0  # how many of them have a function
        self._scope: dict[str, Any] = {"bad": _bad, "complete_id": complete_id}
        self._count = 0

    def function(self, shape: ObjectShape) -> Callable[..., Any]:
        name = self._name(shape)
        lines: list[str] = []
        while self._written < len(self._shapes):
            lines += self._function_lines(self._shapes[self._written])
            self._written += 1
        exec(compile("\n".join(lines), "<projection>", "exec"), self._scope)  # noqa: S102  # names are quoted
        made: Callable[..., Any] = self._scope[name]
        return made

    def _new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _constant(self, prefix: str, value: object) -> str:
        name = self._new(prefix)
        self._scope[name] = value
        return name

    def _name(self, shape: ObjectShape) -> str:
        """The name of the function for a shape, which is written if it is not yet."""
        name = self._name_by_shape.get(id(shape))
        if name is None:
            name = self._name_by_shape[id(shape)] = self._new("object")
            self._shapes.append(shape)
        return name

    def _function_lines(self, shape: ObjectShape) -> list[str]:
        name = self._name(shape)
        members = ", ".join(f"{one.response_key!r}: {self._member(shape, one)}" for one in shape.fields)
        built = f"{{{members}}}"
        if all(one.source is not Source.DATA for one in shape.fields):
            built += " if v.__class__ is dict else bad(v)"  # no member looks at v
        if not self._is_memoised:
            return [f"def {name}(v, m):", f" return {built}"]
        return [
            f"def {name}(v, m):",
            f" k = ({name!r}, id(v))",
            " r = m.get(k)",
            " if r is None:",
            f"  r = m[k] = {built}",
            " return r",
        ]

    def _member(self, shape: ObjectShape, one: FieldShape) -> str:
        match one.source:
            case Source.TYPENAME:
                return repr(shape.type_name) if shape.is_concrete else "bad(v)"
            case Source.INTROSPECTION:
                get = "m.get_introspection" if self._is_memoised else "m.get"
                return f"{get}({one.response_key!r})"
            case Source.DATA:
                return self._value(one.type, self._given(one), one)

    def _given(self, one: FieldShape) -> str:
        key = repr(one.response_key)
        return f"v[{key}]" if isinstance(one.type, GraphQLNonNull) else f"v.get({key})"

    def _value(self, kind: GraphQLOutputType, given: str, one: FieldShape) -> str:
        """An expression for a value; `given` is the expression for what the subgraphs sent."""
        is_nullable = not isinstance(kind, GraphQLNonNull)
        inner = kind if not isinstance(kind, GraphQLNonNull) else kind.of_type
        # the item of a list has a name already; a second one would have to leave the comprehension it stands in
        x = given if given.isidentifier() else self._new("x")
        first = x if x == given else f"({x} := {given})"
        otherwise = f"{x} if {x} is None else bad({x})" if is_nullable else f"bad({x})"
        if isinstance(inner, GraphQLList):
            item = self._new("i")
            each = self._value(inner.of_type, item, one)
            return f"([{each} for {item} in {x}] if {first}.__class__ is list else {otherwise})"
        if one.below is None:
            return self._leaf(inner, x, first, is_nullable)
        if isinstance(one.below.type, GraphQLObjectType) and (shape := one.below.on(None)) is not None:
            call = f"{self._name(shape)}({x}, m)"
        else:
            dispatch = self._constant("types", _Dispatch(one.below, self))
            call = f"{dispatch}[{x}.get('__typename')]({x}, m)"
        return f"({call} if {first} is not None else {'None' if is_nullable else f'bad({x})'})"

    def _leaf(self, kind: GraphQLOutputType, x: str, first: str, is_nullable: bool) -> str:
        named = get_named_type(kind)
        or_null = f" or {x} is None" if is_nullable else ""
        match named.name:
            case "String":
                return f"({x} if {first}.__class__ is str{or_null} else bad({x}))"
            case "ID":
                return f"({x} if {first}.__class__ is str{or_null} else complete_id({x}))"
            case "Int":
                return f"({x} if {first}.__class__ is int and {MIN_INT} <= {x} <= {MAX_INT}{or_null} else bad({x}))"
            case "Float":
                return f"({x} if {first}.__class__ is float or {x}.__class__ is int{or_null} else bad({x}))"
            case "Boolean":
                return f"({x} if {first}.__class__ is bool{or_null} else bad({x}))"
            case _ if isinstance(named, GraphQLEnumType):
                values = {*named.values, None} if is_nullable else set(named.values)
                return f"({x} if {first} in {self._constant('values', frozenset(values))} else bad({x}))"
            case _:
                return f"({x} if {first} is not None{or_null} else bad({x}))"
