"""Error codes of composition, as records: name, what it means, what to do.

The names are those of Apollo's composition, so that tools and searches which know them keep working. The table in
`docs/composition-codes.md` is generated from these records by `code_table()`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ErrorCode:
    name: str
    meaning: str
    advice: str


def _codes(*rows: tuple[str, str, str]) -> dict[str, ErrorCode]:
    return {name: ErrorCode(name, meaning, advice) for name, meaning, advice in rows}


def _field_set_codes() -> dict[str, ErrorCode]:
    rows: list[tuple[str, str, str]] = []
    for directive in ("KEY", "PROVIDES", "REQUIRES"):
        at = f"@{directive.lower()}"
        rows += [
            (f"{directive}_FIELDS_HAS_ARGS", f"The field set of {at} selects a field that takes arguments.",
             "Select only fields without arguments."),
            (f"{directive}_FIELDS_MISSING_EXTERNAL", f"The field set of {at} selects a field this subgraph resolves.",
             "Mark the field @external, or take it out of the field set."),
            (f"{directive}_UNSUPPORTED_ON_INTERFACE", f"{at} is used where interfaces cannot carry it.",
             "Move it to the implementing object types, or link federation v2.3 or later for @key."),
            (f"{directive}_DIRECTIVE_IN_FIELDS_ARG", f"The field set of {at} applies directives.",
             "Remove the directives from the field set."),
            (f"{directive}_INVALID_FIELDS_TYPE", f"The `fields` argument of {at} is not a string.",
             "Write the field set as a string."),
            (f"{directive}_INVALID_FIELDS", f"The field set of {at} is not valid on its type.",
             "Select fields which this subgraph's type has, declaring those of other subgraphs @external."),
        ]  # fmt: skip
    # keys may select what is not @external, and @requires may give arguments
    never = ("KEY_FIELDS_MISSING_EXTERNAL", "REQUIRES_FIELDS_HAS_ARGS")
    return _codes(*(row for row in rows if row[0] not in never))


ERRORS: Final = {
    **_codes(
        ("INVALID_GRAPHQL", "The SDL is not valid GraphQL.", "Correct the SDL; other problems may show after that."),
        ("DIRECTIVE_DEFINITION_INVALID", "A federation directive is defined otherwise than its specification says.",
         "Remove the definition: composition adds the right one."),
        ("TYPE_DEFINITION_INVALID", "A federation type is defined otherwise than its specification says.",
         "Remove the definition: composition adds the right one."),
        ("UNKNOWN_FEDERATION_LINK_VERSION", "The linked federation version does not exist.",
         "Link a version from v2.0 to v2.14."),
        ("UNKNOWN_LINK_VERSION", "The version of the link specification does not exist.", "Link link/v1.0."),
        ("INVALID_LINK_DIRECTIVE_USAGE", "A @link cannot be honoured.", "Correct its import or its names."),
        ("INVALID_LINK_IDENTIFIER", "The URL of a @link is not a feature URL.",
         "Write https://host/name/vMAJOR.MINOR."),
        ("LINK_IMPORT_NAME_MISMATCH", "A composed directive has different names in different subgraphs.",
         "Import it under one name everywhere."),
        ("INVALID_SUBGRAPH_NAME", "The name of a subgraph is reserved, empty or used twice.", "Rename the subgraph."),
        ("NO_QUERIES", "No subgraph has a query field.", "Add a field to Query in at least one subgraph."),
        ("ROOT_QUERY_USED", "A type named Query is not the query root.", "Rename that type."),
        ("ROOT_MUTATION_USED", "A type named Mutation is not the mutation root.", "Rename that type."),
        ("ROOT_SUBSCRIPTION_USED", "A type named Subscription is not the subscription root.", "Rename that type."),
        ("TYPE_KIND_MISMATCH", "A type has different kinds in different subgraphs.",
         "Make it one kind everywhere, or rename one of them."),
        ("FIELD_TYPE_MISMATCH", "A field has types that do not fit together.",
         "Use one type everywhere, or types of which one is a subtype of the other."),
        ("FIELD_ARGUMENT_TYPE_MISMATCH", "An argument has types that do not fit together.",
         "Use one type everywhere; only nullability may differ."),
        ("FIELD_ARGUMENT_DEFAULT_MISMATCH", "An argument has different default values.",
         "Use the same default value everywhere."),
        ("INPUT_FIELD_DEFAULT_MISMATCH", "An input field has different default values.",
         "Use the same default value everywhere."),
        ("REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH", "An argument required in one subgraph is missing in another.",
         "Add the argument everywhere, or make it optional."),
        ("REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
         "An input field required in one subgraph is missing in another.",
         "Add the input field everywhere, or make it optional."),
        ("EMPTY_MERGED_INPUT_TYPE", "The subgraphs share no field of an input type.",
         "Let all subgraphs define at least one field in common."),
        ("EMPTY_MERGED_ENUM_TYPE", "The subgraphs share no value of an enum used as input.",
         "Let all subgraphs define at least one value in common."),
        ("ENUM_VALUE_MISMATCH", "An enum used as input and output has different values.",
         "Define the same values everywhere, or mark the odd one @inaccessible."),
        ("INTERFACE_FIELD_NO_IMPLEM", "A type lacks a field of its interface once subgraphs are merged.",
         "Add the field to the type in one of the subgraphs."),
        ("EXTENSION_WITH_NO_BASE", "A type is only ever extended.", "Define the type in one subgraph."),
        ("EXTERNAL_UNUSED", "An @external field serves no purpose.", "Remove the field, or its @external."),
        ("TYPE_WITH_ONLY_UNUSED_EXTERNAL", "A type has only @external fields that serve no purpose.",
         "Remove the type, or use its fields."),
        ("EXTERNAL_MISSING_ON_BASE", "A field is @external everywhere.", "Resolve it in one subgraph."),
        ("EXTERNAL_TYPE_MISMATCH", "An @external field has not the type of the field elsewhere.",
         "Declare it with the type it has where it is resolved."),
        ("EXTERNAL_ARGUMENT_MISSING", "An @external field lacks an argument the field has elsewhere.",
         "Declare all arguments."),
        ("EXTERNAL_ARGUMENT_TYPE_MISMATCH", "An argument of an @external field has another type elsewhere.",
         "Declare the same type."),
        ("EXTERNAL_ARGUMENT_DEFAULT_MISMATCH", "An argument of an @external field has another default elsewhere.",
         "Declare the same default value."),
        ("EXTERNAL_ON_INTERFACE", "A field of an interface is @external.", "Mark the fields of the implementations."),
        ("EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE", "@external stands beside a directive it contradicts.",
         "Remove one of the two."),
        ("MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL", "An @external field carries a directive that composes.",
         "Apply the directive where the field is resolved."),
        ("PROVIDES_ON_NON_OBJECT_FIELD", "@provides is on a field of a leaf type.", "Remove @provides."),
        ("KEY_FIELDS_SELECT_INVALID_TYPE", "A key selects a field of an interface or union type.",
         "Select fields of object and leaf types."),
        ("INVALID_FIELD_SHARING", "A field resolved by several subgraphs is not @shareable in all of them.",
         "Mark it @shareable everywhere, make it @external, or migrate it with @override."),
        ("INVALID_SHAREABLE_USAGE", "@shareable is repeated, or on an interface.", "Remove that application."),
        ("OVERRIDE_FROM_SELF_ERROR", "@override names its own subgraph.", "Name the subgraph to take the field from."),
        ("OVERRIDE_SOURCE_HAS_OVERRIDE", "The overridden field overrides another.", "Keep one @override per field."),
        ("OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE", "@override meets a directive it cannot be combined with.",
         "Remove one of the two."),
        ("OVERRIDE_ON_INTERFACE", "@override is on a field of an interface.", "Override the implementations' fields."),
        ("OVERRIDE_LABEL_INVALID", "The label of an @override is malformed.",
         "Use a name such as team/flag-1, or percent(0…100) with up to 8 decimals."),
        ("INTERFACE_OBJECT_USAGE_ERROR", "@interfaceObject is used where it cannot work.",
         "Give the type a @key, define the interface in another subgraph, and none of its implementations here."),
        ("INTERFACE_KEY_NOT_ON_IMPLEMENTATION", "An implementation lacks a key of its interface.",
         "Repeat the @key on every implementation."),
        ("INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
         "A subgraph with a key on an interface does not know all its implementations.",
         "Define all implementations in that subgraph, or make the key resolvable: false."),
        ("CONTEXT_NAME_INVALID", "The name of a context is malformed.", "Use letters and digits only."),
        ("CONTEXT_NOT_SET", "@fromContext is where no context can reach.", "Set the context on an enclosing type."),
        ("CONTEXT_INVALID_SELECTION", "The selection of a @fromContext does not fit.",
         "Select exactly one field of the argument's type from every type that sets the context."),
        ("NO_CONTEXT_IN_SELECTION", "@fromContext names no context.", 'Write "$name { field }".'),
        ("CONTEXT_NO_RESOLVABLE_KEY", "A type with contextual arguments has no resolvable key.", "Add a @key."),
        ("CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
         "An argument is contextual in one subgraph and required in another.",
         "Use @fromContext everywhere, or make it optional."),
        ("COST_APPLIED_TO_INTERFACE_FIELD", "@cost is on a field of an interface.", "Weigh the implementations."),
        ("LIST_SIZE_APPLIED_TO_NON_LIST", "@listSize is on something that is not a list.",
         "Remove it, or name the list fields in sizedFields."),
        ("LIST_SIZE_INVALID_ASSUMED_SIZE", "assumedSize is negative.", "Use zero or more."),
        ("LIST_SIZE_INVALID_SLICING_ARGUMENT", "A slicing argument is not an Int argument of the field.",
         "Name Int arguments of the field."),
        ("LIST_SIZE_INVALID_SIZED_FIELD", "A sized field is not a field of the returned type.",
         "Name list fields of the returned type."),
        ("AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE", "An access directive is on an interface.",
         "Put it on the implementations: interfaces inherit it."),
        ("MISSING_TRANSITIVE_AUTH_REQUIREMENTS", "A field reads protected data without asking for the same access.",
         "Repeat the access directives of the fields in its @requires or @fromContext."),
        ("DIRECTIVE_COMPOSITION_ERROR", "A @composeDirective cannot be honoured.",
         "Define and link the directive, with one name and one major version everywhere."),
        ("REFERENCED_INACCESSIBLE", "Something visible refers to something @inaccessible.",
         "Hide both, or show both."),
        ("DEFAULT_VALUE_USES_INACCESSIBLE", "A visible default value uses something @inaccessible.",
         "Change the default value."),
        ("QUERY_ROOT_TYPE_INACCESSIBLE", "The query root is @inaccessible.", "Hide fields instead."),
        ("REQUIRED_INACCESSIBLE", "Something required is @inaccessible.", "Make it optional, or give it a default."),
        ("IMPLEMENTED_BY_INACCESSIBLE", "An @inaccessible field implements a visible one.",
         "Hide the interface's field too."),
        ("DISALLOWED_INACCESSIBLE", "@inaccessible is on something that cannot be hidden.", "Remove it."),
        ("ONLY_INACCESSIBLE_CHILDREN", "Everything in a visible type is @inaccessible.", "Hide the type too."),
        ("SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES", "A shared field can never return the same object everywhere.",
         "Let the subgraphs agree on at least one possible type."),
        ("SATISFIABILITY_ERROR", "A query the API allows cannot be answered by the subgraphs.",
         "Follow the reasons: add a key, resolve the field elsewhere, or make it @inaccessible."),
        ("MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED", "The satisfiability check grew beyond its limit.",
         "Raise the limit, or reduce shared fields."),
    ),
    **_field_set_codes(),
}  # fmt: skip


def code_table() -> str:
    """The Markdown table of all error codes."""
    rows = [f"| `{c.name}` | {c.meaning} | {c.advice} |" for _, c in sorted(ERRORS.items())]
    return "\n".join(("| code | meaning | what to do |", "| --- | --- | --- |", *rows)) + "\n"
