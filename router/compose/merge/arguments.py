"""Arguments of fields and directives: those that all subgraphs know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from graphql import Node

from router.compose.merge.applications import record_directives
from router.compose.merge.context import MergeContext, Sources, places, presence, present, subgraphs_of
from router.compose.merge.descriptions import merge_description
from router.compose.merge.inputs import merge_default
from router.compose.merge.references import merge_type_reference
from router.compose.schema import InputValue, is_required


class WithArguments(Protocol):
    arguments: dict[str, InputValue]
    node: Node | None

    @property
    def coordinate(self) -> str: ...


def merge_arguments(context: MergeContext, sources: Mapping[int, WithArguments | None], merged: WithArguments) -> None:
    owners = {index: source for index, source in sources.items() if source is not None}
    names = dict.fromkeys(name for source in owners.values() for name in source.arguments)
    for name in names:
        versions: Sources[InputValue] = {index: source.arguments.get(name) for index, source in owners.items()}
        coordinate = f"{merged.coordinate}({name}:)"
        if _is_contextual(context, versions, coordinate):
            continue
        if None in versions.values():
            _report_missing(context, versions, coordinate)
            continue
        first = next(source for _, source in present(versions))
        argument = merged.arguments[name] = InputValue(name, coordinate, first.type)
        merge_description(context, versions, argument)
        record_directives(context, versions, argument)
        merge_type_reference(context, versions, argument, is_input=True, what="argument")
        merge_default(context, versions, argument, "FIELD_ARGUMENT_DEFAULT_MISMATCH")


def _is_contextual(context: MergeContext, versions: Sources[InputValue], coordinate: str) -> bool:
    """Arguments that the router fills from a context are not part of the supergraph."""
    contextual = {i for i, a in present(versions) if context.subgraphs[i].applied(a, "fromContext")}
    if not contextual:
        return False
    for index, argument in present(versions):
        if index in contextual:
            continue
        name = context.subgraphs[index].name
        if is_required(argument):
            context.report.error(
                "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
                f'"{coordinate}" is contextual in {subgraphs_of(context, contextual)}, but required from clients in'
                f' subgraph "{name}".',
                places=[context.place(index, argument.node)],
            )
        else:
            context.report.hint(
                "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
                f'"{coordinate}" is contextual in {subgraphs_of(context, contextual)}, so clients cannot give it,'
                f' although subgraph "{name}" would take it.',
                coordinate,
            )
    return True


def _report_missing(context: MergeContext, versions: Sources[InputValue], coordinate: str) -> None:
    requiring = [index for index, argument in present(versions) if is_required(argument)]
    where = presence(context, versions)
    if requiring:
        context.report.error(
            "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
            f'"{coordinate}" is required in {subgraphs_of(context, requiring)}, but it is {where}.',
            places=places(context, versions),
        )
    else:
        context.report.hint(
            "INCONSISTENT_ARGUMENT_PRESENCE",
            f'"{coordinate}" is left out of the supergraph: it is {where}.',
            coordinate,
        )
