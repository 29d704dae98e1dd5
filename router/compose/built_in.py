"""What GraphQL itself defines, as far as composition has to know it."""

from __future__ import annotations

from typing import Final

from router.compose.schema import DirectiveDefinition, InputValue
from router.compose.type_ref import read_type
from router.compose.values import ABSENT, Absent, Value

INTROSPECTION_TYPES: Final = frozenset(
    {"__Schema", "__Type", "__TypeKind", "__Field", "__InputValue", "__EnumValue", "__Directive", "__DirectiveLocation"}
)
EXECUTABLE_LOCATIONS: Final = frozenset(
    {
        "QUERY",
        "MUTATION",
        "SUBSCRIPTION",
        "FIELD",
        "FRAGMENT_DEFINITION",
        "FRAGMENT_SPREAD",
        "INLINE_FRAGMENT",
        "VARIABLE_DEFINITION",
    }
)


def _directive(
    name: str, locations: tuple[str, ...], *arguments: tuple[str, str, Value | Absent]
) -> DirectiveDefinition:
    return DirectiveDefinition(
        name, locations, {n: InputValue(n, f"@{name}({n}:)", read_type(t), d) for n, t, d in arguments}
    )


_SELECTIONS = ("FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT")

#: `@oneOf` is missing on purpose: composition knows it only where a subgraph defines it
BUILT_IN_DIRECTIVES: Final = {
    definition.name: definition
    for definition in (
        _directive("include", _SELECTIONS, ("if", "Boolean!", ABSENT)),
        _directive("skip", _SELECTIONS, ("if", "Boolean!", ABSENT)),
        _directive(
            "deprecated",
            ("FIELD_DEFINITION", "ENUM_VALUE", "ARGUMENT_DEFINITION", "INPUT_FIELD_DEFINITION"),
            ("reason", "String", "No longer supported"),
        ),
        _directive("specifiedBy", ("SCALAR",), ("url", "String!", ABSENT)),
        _directive("defer", _SELECTIONS[1:], ("label", "String", ABSENT), ("if", "Boolean!", True)),
        _directive(
            "stream", _SELECTIONS[:1], ("label", "String", ABSENT), ("initialCount", "Int", 0), ("if", "Boolean!", True)
        ),
    )
}
