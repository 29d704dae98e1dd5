"""Where access directives hold beyond the element they are written on.

Reading an object through its interface must ask for what the object asks for, so requirements of types and fields also
hold on their interfaces; and what an interface object's field asks for holds on the implementations, and on their
other interfaces.
"""

from __future__ import annotations

from collections import defaultdict

from router.compose.merge.context import MergeContext
from router.compose.schema import Element, Field, Kind, TypeDefinition
from router.compose.validate.access import ACCESS_DIRECTIVES


def inherited_access(context: MergeContext) -> dict[str, list[Element]]:
    """ "Coordinate@directive" -> the elements whose requirements also hold there, in order of subgraphs."""
    found: dict[str, list[Element]] = defaultdict(list)
    if not context.access:
        return found
    implementations = {i.name: context.possible_types(i.name) for i in context.merged.of_kind(Kind.INTERFACE)}
    interfaces: dict[str, list[str]] = defaultdict(list)
    for interface, names in implementations.items():
        for name in names:
            interfaces[name].append(interface)
    for index, subgraph in enumerate(context.subgraphs):
        facts = context.facts[index]
        for directive in ACCESS_DIRECTIVES:
            for _, element, parent in facts.uses.get(directive, ()):
                if isinstance(element, TypeDefinition) and element.kind is Kind.OBJECT:
                    for interface in interfaces[element.name]:
                        found[f"{interface}@{directive}"].append(element)
                if (
                    not isinstance(element, Field)
                    or not isinstance(parent, TypeDefinition)
                    or parent.kind is not Kind.OBJECT
                    or facts.is_external(element)
                ):
                    continue
                targets = interfaces[parent.name]
                if subgraph.is_interface_object(parent):
                    own = implementations.get(parent.name, [])
                    others = dict.fromkeys(i for name in own for i in interfaces[name] if i != parent.name)
                    targets = [*own, *others]
                for target in targets:
                    found[f"{target}.{element.name}@{directive}"].append(element)
    return found
