"""References to types: `[Product!]!` as nested records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from graphql import ListTypeNode, NamedTypeNode, NonNullTypeNode, TypeNode, parse_type


@dataclass(frozen=True, slots=True)
class Named:
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListOf:
    item: TypeRef

    def __str__(self) -> str:
        return f"[{self.item}]"


@dataclass(frozen=True, slots=True)
class NonNull:
    inner: Named | ListOf

    def __str__(self) -> str:
        return f"{self.inner}!"


TypeRef: TypeAlias = Named | ListOf | NonNull


def type_ref(node: TypeNode) -> TypeRef:
    match node:
        case NamedTypeNode():
            return Named(node.name.value)
        case ListTypeNode():
            return ListOf(type_ref(node.type))
        case NonNullTypeNode():
            inner = type_ref(node.type)
            return inner if isinstance(inner, NonNull) else NonNull(inner)
    raise TypeError(f"{node.kind} is not a type")


def read_type(text: str) -> TypeRef:
    """Parses `[String!]!`; for the types written in this package, which are valid."""
    return type_ref(parse_type(text))


def base_name(ref: TypeRef) -> str:
    while not isinstance(ref, Named):
        ref = ref.inner if isinstance(ref, NonNull) else ref.item
    return ref.name


def nullable(ref: TypeRef) -> Named | ListOf:
    return ref.inner if isinstance(ref, NonNull) else ref


def is_list(ref: TypeRef) -> bool:
    return isinstance(nullable(ref), ListOf)


def rename_type(ref: TypeRef, old: str, new: str) -> TypeRef:
    match ref:
        case Named():
            return Named(new) if ref.name == old else ref
        case ListOf():
            return ListOf(rename_type(ref.item, old, new))
        case NonNull():
            inner = rename_type(ref.inner, old, new)
            return inner if isinstance(inner, NonNull) else NonNull(inner)


#: (abstract type, type) -> whether the second is a member or implementation of the first
Contains: TypeAlias = Callable[[str, str], bool]


def is_strict_subtype(ref: TypeRef, candidate: TypeRef, contains: Contains) -> bool:
    """Whether `candidate` is narrower than `ref`: non-null over nullable, member over union, and so on inside lists."""
    match ref, candidate:
        case NonNull(), NonNull():
            return is_strict_subtype(ref.inner, candidate.inner, contains)
        case NonNull(), _:
            return False
        case _, NonNull():
            return ref == candidate.inner or is_strict_subtype(ref, candidate.inner, contains)
        case ListOf(), ListOf():
            return is_strict_subtype(ref.item, candidate.item, contains)
        case Named(), Named():
            return ref != candidate and contains(ref.name, candidate.name)
    return False
