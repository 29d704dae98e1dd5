"""Contracts: a variant of the supergraph that shows only what its tags let through.

What is left out is marked @inaccessible, so that it can still serve keys and requirements.

* `exclude`: elements with one of these tags are left out; this beats `include`.
* `include`: of objects and interfaces only fields with one of these tags, on themselves or on their type, are shown.
  Arguments, input fields, enum values, unions, scalars and input types need no tag.
* What refers only to things left out is left out too: fields of hidden types, types without visible parts.
* `hide_unreachable_types`: leave out types that no visible root field leads to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from router.compose.merge.context import MergeContext
from router.compose.merge.features import link_inaccessible
from router.compose.schema import Application, Element, Field, InputValue, Kind, TypeDefinition, applied, is_required
from router.compose.type_ref import base_name


@dataclass(frozen=True, slots=True)
class Contract:
    include: frozenset[str] = frozenset()  #: empty: everything
    exclude: frozenset[str] = frozenset()
    hide_unreachable_types: bool = False


def apply_contract(context: MergeContext, contract: Contract) -> None:
    """Marks elements of the merged schema @inaccessible."""
    _Filter(context, contract).run()


class _Filter:
    def __init__(self, context: MergeContext, contract: Contract) -> None:
        self.context = context
        self.contract = contract
        self.tag = next((name for name, spec in context.composed.items() if spec.name == "tag"), None)
        self.hidden = context.inaccessible or link_inaccessible(context)
        self.types = [t for t in context.merged.types.values() if context.links.type_origin(t.name) is None]

    def run(self) -> None:
        for type_ in self.types:
            self._filter_by_tags(type_)
        while sum(map(self._hide_dependents, self.types)):
            pass
        if self.contract.hide_unreachable_types:
            reachable = self._reachable()
            for type_ in self.types:
                if type_.name not in reachable:
                    self._hide(type_)

    def _tags(self, element: Element) -> set[str]:
        return {str(use.arguments.get("name")) for use in element.applications if use.name == self.tag}

    def _is_hidden(self, element: Element) -> bool:
        return applied(element, self.hidden) is not None

    def _hide(self, element: Element) -> bool:
        """Whether it was visible before."""
        if self._is_hidden(element):
            return False
        element.applications.append(Application(self.hidden))
        return True

    def _filter_by_tags(self, type_: TypeDefinition) -> None:
        of_type = self._tags(type_)
        self._exclude(type_, of_type)
        for field in type_.fields.values():
            tags = self._tags(field)
            self._exclude(field, tags)
            if self.contract.include and not (tags | of_type) & self.contract.include:
                self._hide(field)
            for argument in field.arguments.values():
                self._exclude(argument, self._tags(argument))
        for input_field in type_.inputs.values():
            self._exclude(input_field, self._tags(input_field))
        for value in type_.values.values():
            self._exclude(value, self._tags(value))

    def _exclude(self, element: Element, tags: set[str]) -> None:
        if tags & self.contract.exclude:
            self._hide(element)

    def _hide_dependents(self, type_: TypeDefinition) -> bool:
        """Whether anything had to be hidden."""
        if self._is_hidden(type_):
            return False
        changed = False
        for field in type_.fields.values():
            changed |= self._hide_dependent_field(field)
        for value in type_.inputs.values():
            changed |= self._refers_to_hidden(value) and self._hide(value)
        members = [self.context.merged.types[name] for name in type_.members]
        parts: list[Element] = [*type_.fields.values(), *type_.inputs.values(), *type_.values.values(), *members]
        if type_.kind is not Kind.SCALAR and all(map(self._is_hidden, parts)):
            changed |= self._hide(type_)
        return changed

    def _hide_dependent_field(self, field: Field) -> bool:
        if self._is_hidden(field):
            return False
        if self._refers_to_hidden(field):
            return self._hide(field)
        lost = [argument for argument in field.arguments.values() if self._refers_to_hidden(argument)]
        if any(is_required(argument) for argument in lost):
            return self._hide(field)
        return sum(map(self._hide, lost)) > 0

    def _refers_to_hidden(self, element: Field | InputValue) -> bool:
        type_ = self.context.merged.types.get(base_name(element.type))
        return type_ is not None and self._is_hidden(type_)

    def _reachable(self) -> set[str]:
        merged = self.context.merged
        found: set[str] = set()
        queue = list(merged.roots.values())
        queue += [base_name(a.type) for d in merged.directives.values() for a in d.arguments.values()]
        for name in queue:
            type_ = merged.types.get(name)
            if type_ is None or name in found or self._is_hidden(type_):
                continue
            found.add(name)
            queue += merged.possible_types(name)
            queue += _references(type_, self._is_hidden)
        return found


def _references(type_: TypeDefinition, is_hidden: Callable[[Element], bool]) -> list[str]:
    names = [*type_.interfaces, *type_.members]
    for field in type_.fields.values():
        if not is_hidden(field):
            names.append(base_name(field.type))
            names += [base_name(a.type) for a in field.arguments.values() if not is_hidden(a)]
    names += [base_name(value.type) for value in type_.inputs.values() if not is_hidden(value)]
    return names
