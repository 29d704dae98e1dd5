"""A normalised operation as GraphQL text, for people: `punnet router normalize`, tests, debugging."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import print_ast

from router.operation.model import Field, Guard, InlineFragment, Operation, Selection


def print_operation(operation: Operation) -> str:
    """A document of one operation; every fragment is inline and names its type."""
    variables = ", ".join(print_ast(definition) for definition in operation.variables)
    head = " ".join(filter(None, (operation.kind.value, operation.name)))
    return "\n".join((f"{head}{f'({variables})' if variables else ''} {{", *_lines(operation.selections, "  "), "}"))


def _lines(selections: tuple[Selection, ...], indent: str) -> Iterator[str]:
    for selection in selections:
        head = indent + _head(selection)
        if isinstance(selection, Field) and not selection.selections:
            yield head
        else:
            yield head + " {"
            yield from _lines(selection.selections, indent + "  ")
            yield indent + "}"


def _head(selection: Selection) -> str:
    guards = "".join(map(_guard, selection.guards))
    if isinstance(selection, InlineFragment):
        return f"... on {selection.type_condition}{guards}{_defer(selection)}"
    alias = "" if selection.response_key == selection.name else f"{selection.response_key}: "
    arguments = ", ".join(f"{argument.name}: {print_ast(argument.value)}" for argument in selection.arguments)
    directives = "".join(f" {print_ast(directive)}" for directive in selection.directives)
    return f"{alias}{selection.name}{f'({arguments})' if arguments else ''}{guards}{directives}"


def _guard(guard: Guard) -> str:
    return f" @{'include' if guard.expected else 'skip'}(if: ${guard.variable})"


def _defer(fragment: InlineFragment) -> str:
    if fragment.defer is None:
        return ""
    parts = [f"if: ${fragment.defer.variable}"] if fragment.defer.variable else []
    parts += [f'label: "{fragment.defer.label}"'] if fragment.defer.label else []
    arguments = f"({', '.join(parts)})" if parts else ""
    return f" @defer{arguments}"
