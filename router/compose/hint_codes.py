"""Hint codes of composition, as records with their level. The names are those of Apollo's composition."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class HintLevel(IntEnum):
    DEBUG = 20
    INFO = 40
    WARN = 60


@dataclass(frozen=True, slots=True)
class HintCode:
    name: str
    level: HintLevel
    meaning: str


_D, _I, _W = HintLevel.DEBUG, HintLevel.INFO, HintLevel.WARN

HINTS: Final = {
    name: HintCode(name, level, meaning)
    for name, level, meaning in (
        ("INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE", _I, "A field has compatible, but different types."),
        ("INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE", _I, "An argument has compatible, but different types."),
        ("INCONSISTENT_DEFAULT_VALUE_PRESENCE", _W, "A default value exists in some subgraphs only, and is dropped."),
        ("INCONSISTENT_ENTITY", _I, "A type has a key in some subgraphs only."),
        ("INCONSISTENT_OBJECT_VALUE_TYPE_FIELD", _D, "A value type has a field in some subgraphs only."),
        ("INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD", _D, "An interface has a field in some subgraphs only."),
        ("INCONSISTENT_INPUT_OBJECT_FIELD", _W, "An input field exists in some subgraphs only, and is dropped."),
        ("INCONSISTENT_UNION_MEMBER", _D, "A union has a member in some subgraphs only."),
        ("INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM", _W, "A value of an input enum exists in some subgraphs only."),
        ("INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM", _D, "A value of an output enum exists in some subgraphs only."),
        ("INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE", _W, "An executable directive is not in all subgraphs."),
        ("INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE", _W, "An executable directive is not repeatable everywhere."),
        ("INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS", _W, "An executable directive has different locations."),
        ("NO_EXECUTABLE_DIRECTIVE_INTERSECTION", _W, "An executable directive has no location in common."),
        ("INCONSISTENT_DESCRIPTION", _W, "An element has different descriptions; the most frequent one is used."),
        ("INCONSISTENT_ARGUMENT_PRESENCE", _W, "An optional argument exists in some subgraphs only, and is dropped."),
        ("FROM_SUBGRAPH_DOES_NOT_EXIST", _W, "@override names a subgraph that does not exist."),
        ("OVERRIDDEN_FIELD_CAN_BE_REMOVED", _I, "A field is overridden and can be removed."),
        ("OVERRIDE_DIRECTIVE_CAN_BE_REMOVED", _I, "The overridden field is gone; @override can be removed."),
        ("OVERRIDE_MIGRATION_IN_PROGRESS", _I, "A field is being migrated by a labelled @override."),
        ("UNUSED_ENUM_TYPE", _D, "An enum is used nowhere."),
        ("INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS", _W,
         "A directive that cannot repeat has different arguments; the most frequent ones are used."),
        ("MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS", _I, "Different arguments of a directive were merged."),
        ("DIRECTIVE_COMPOSITION_INFO", _I, "A @composeDirective, or a linked feature, has no effect."),
        ("DIRECTIVE_COMPOSITION_WARN", _W, "A composed directive has another name in a subgraph not composing it."),
        ("INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN", _W,
         "A shared field may return types which other subgraphs cannot return."),
        ("IMPLICITLY_UPGRADED_FEDERATION_VERSION", _I, "A linked feature needs a newer federation version."),
        ("CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS", _I,
         "An argument is contextual in some subgraphs only, and left out of the supergraph."),
    )
}  # fmt: skip


def hint_table() -> str:
    """The Markdown table of all hint codes."""
    rows = [f"| `{h.name}` | {h.level.name} | {h.meaning} |" for _, h in sorted(HINTS.items())]
    return "\n".join(("| hint | level | meaning |", "| --- | --- | --- |", *rows)) + "\n"
