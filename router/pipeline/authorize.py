"""Which parts of an operation the caller may not see, and the operation without them.

A denied field is not fetched, answers null, and is named in an error UNAUTHORIZED_FIELD_OR_TYPE with its path. Where it
is non-null, the nearest nullable field around it is denied instead, so the rest of the answer stays valid. A fragment
on a denied type is left out: objects of that type answer without its fields.
Guards are not looked at: a field behind `@include(if: $x)` is judged as if it were included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from graphql import GraphQLSchema, is_non_null_type

from common.auth import Principal
from router.errors import UNAUTHORIZED_FIELD_OR_TYPE, UNAUTHORIZED_OPERATION, RequestError, ResponseError
from router.operation.model import Field, InlineFragment, Operation, Selection
from router.operation.types import output_type
from router.pipeline.access_rules import AccessRules, Requirement, requirements_of

DeniedPath: TypeAlias = tuple[str, ...]  #: response keys; lists are not part of it


@dataclass(frozen=True, slots=True)
class Granted:
    shape: Operation  #: what the answer looks like: denied fields are still in it
    fetched: Operation | None  #: what is planned; None when nothing is left and the answer's data is null
    nulled: frozenset[DeniedPath] = frozenset()  #: put null here
    denied: tuple[DeniedPath, ...] = ()  #: what the client is told


def authorize(
    operation: Operation, rules: AccessRules, api_schema: GraphQLSchema, principal: Principal, policies: frozenset[str]
) -> Granted:
    """What the caller may have of the operation; its own object twice when that is all of it."""
    judge = _Judge(rules, api_schema, principal, policies)
    shape = judge.strip_fragments(operation.selections, operation.root_type, ())
    left = judge.judge(shape, operation.root_type, ())
    if not judge.denied:
        return Granted(operation, operation)
    return Granted(
        shape=replace(operation, selections=shape),
        fetched=None if left is None else replace(operation, selections=left),
        nulled=frozenset(judge.nulled),
        denied=tuple(judge.denied),
    )


def unauthorized_errors(denied: tuple[DeniedPath, ...]) -> list[ResponseError]:
    return [ResponseError(UNAUTHORIZED_FIELD_OR_TYPE, "Unauthorized field or type", path=path) for path in denied]


def reject(denied: tuple[DeniedPath, ...]) -> RequestError:
    """For `reject_unauthorized`: the whole operation is refused."""
    return RequestError(
        [ResponseError(UNAUTHORIZED_OPERATION, "Unauthorized field or type", path=path) for path in denied]
    )


def put_nulls(data: dict[str, Any], nulled: frozenset[DeniedPath]) -> None:
    """Null at every denied path, whatever was fetched there for other reasons (as a key, or for `@requires`)."""
    for path in nulled:
        _put_null(data, path)


def _put_null(value: Any, path: DeniedPath) -> None:
    if isinstance(value, list):
        for item in value:
            _put_null(item, path)
    elif isinstance(value, dict) and path[0] in value:
        if len(path) == 1:
            value[path[0]] = None
        else:
            _put_null(value[path[0]], path[1:])


class _Judge:
    """One walk over one operation for one caller."""

    def __init__(
        self, rules: AccessRules, schema: GraphQLSchema, principal: Principal, policies: frozenset[str]
    ) -> None:
        self._rules = rules
        self._schema = schema
        self._principal = principal
        self._policies = policies
        self.denied: list[DeniedPath] = []
        self.nulled: set[DeniedPath] = set()

    def strip_fragments(
        self, selections: tuple[Selection, ...], parent: str, path: DeniedPath
    ) -> tuple[Selection, ...]:
        """The selections without fragments on denied types."""
        left: list[Selection] = []
        for selection in selections:
            if isinstance(selection, InlineFragment):
                if self._allows(self._rules.types.get(selection.type_condition, ())):
                    inner = self.strip_fragments(selection.selections, selection.type_condition, path)
                    left.append(replace(selection, selections=inner))
                else:
                    self._deny(path)
            elif selection.selections and not selection.name.startswith("__"):
                output = output_type(self._schema, selection.parent_type, selection.name)
                inner = self.strip_fragments(selection.selections, output, (*path, selection.response_key))
                left.append(replace(selection, selections=inner))
            else:
                left.append(selection)
        return tuple(left) or (InlineFragment(parent, ()),)

    def judge(self, selections: tuple[Selection, ...], parent: str, path: DeniedPath) -> tuple[Selection, ...] | None:
        """What is left; None when a non-null field was denied and the object itself must become null."""
        left: list[Selection] = []
        for selection in selections:
            if isinstance(selection, InlineFragment):
                inner = self.judge(selection.selections, selection.type_condition, path)
                if inner is None:
                    return None
                left.append(replace(selection, selections=inner))
                continue
            here = (*path, selection.response_key)
            kept = self._judge_field(selection, here)
            if kept is not None:
                left.append(kept)
            elif self._is_non_null(selection):
                return None
            else:
                self.nulled.add(here)
        return tuple(left) or (InlineFragment(parent, ()),)

    def _judge_field(self, field: Field, path: DeniedPath) -> Field | None:
        if not self._allows(requirements_of(self._rules, self._schema, field.parent_type, field.name)):
            self._deny(path)
            return None
        if not field.selections or field.name.startswith("__"):
            return field
        inner = self.judge(field.selections, output_type(self._schema, field.parent_type, field.name), path)
        return None if inner is None else replace(field, selections=inner)

    def _deny(self, path: DeniedPath) -> None:
        if path not in self.denied:
            self.denied.append(path)

    def _allows(self, requirements: tuple[Requirement, ...]) -> bool:
        return all(requirement.is_met(self._principal, self._policies) for requirement in requirements)

    def _is_non_null(self, field: Field) -> bool:
        on = self._schema.type_map[field.parent_type]
        definition = getattr(on, "fields", {}).get(field.name)
        return definition is not None and is_non_null_type(definition.type)
