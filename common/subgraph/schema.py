"""The federation schema of a subgraph: entities resolved in batches, parsing and validation cached, errors masked.

`answer` runs what the router sends, compiled; `execute` is Strawberry's, for subscriptions and all that is unusual.

Strawberry (0.341) calls `resolve_reference` once per representation and changes the variables while doing so. We
override its `entities_resolver`: every entity type is asked once, `resolve_references(info, representations)`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, cast

import strawberry
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, Info
from strawberry.types.base import StrawberryObjectDefinition

from common.errors import BadInputError
from common.lru import LruMap
from common.subgraph.errors import MaskUnexpected, log_unexpected, present
from common.subgraph.execution.operations import Operations
from common.subgraph.page_budget import PageBudget, Pages
from common.subgraph.scalars import scalar_map

FEDERATION_VERSION: Final = "2.9"
#: documents of all subgraphs in this process; the router sends a small set of texts, with variables
CACHED_DOCUMENT_COUNT = 2048
#: representations per `_entities` call
MAX_REPRESENTATIONS = 1000

Representation = dict[str, Any]


class Entity(Protocol):
    """A Strawberry type with `@key` that other subgraphs may refer to."""

    @classmethod
    async def resolve_references(
        cls, info: Info[Any, Any], representations: Sequence[Representation]
    ) -> Sequence[object | None]:
        """One result per representation, in their order: an instance, None (unknown or not visible) or an exception.

        Representations carry `__typename`, the key and any `@requires` fields under their GraphQL names. They belong
        to the caller: read, never change.
        """
        ...


class Schema(strawberry.federation.Schema):
    """A subgraph's schema. Build it with `create_schema`."""

    subgraph: str
    operations: Operations

    async def answer(
        self, text: str, variables: Mapping[str, Any], operation_name: str | None, context: object
    ) -> dict[str, Any] | None:
        """The response of a query or mutation. None where `execute` has to answer; nothing has run then."""
        executed = await self.operations.execute(text, variables, operation_name, context)
        if executed is None:
            return None
        if not executed.errors:
            return {"data": executed.data}
        log_unexpected(executed.errors, self.subgraph)
        return {"data": executed.data, "errors": [present(error).formatted for error in executed.errors]}

    async def entities_resolver(  # type: ignore[override]  # Strawberry's is not async; it awaits what it gets
        self, info: Info, representations: list[FederationAny]
    ) -> list[FederationAny]:
        if len(representations) > MAX_REPRESENTATIONS:
            raise BadInputError(f"At most {MAX_REPRESENTATIONS} representations per request.")
        given = cast("list[Representation]", representations)
        indexes_by_type: defaultdict[str, list[int]] = defaultdict(list)
        for index, representation in enumerate(given):
            indexes_by_type[str(representation.get("__typename"))].append(index)

        results: list[Any] = [None] * len(given)

        async def resolve_type(typename: str, indexes: list[int]) -> None:
            found = await self._references(info, typename, [given[index] for index in indexes])
            for index, value in zip(indexes, found, strict=True):
                results[index] = value

        of_types = [resolve_type(typename, indexes) for typename, indexes in indexes_by_type.items()]
        if len(of_types) == 1:
            # as nearly always: no task for it
            await of_types[0]
        else:
            await asyncio.gather(*of_types)
        return results

    async def _references(
        self, info: Info, typename: str, representations: list[Representation]
    ) -> Sequence[object | None]:
        """Results of one type. A failure becomes the result of each of them and leaves other types alone."""
        concrete = self.schema_converter.type_map.get(typename)
        definition = concrete.definition if concrete else None
        origin = definition.origin if isinstance(definition, StrawberryObjectDefinition) else None
        if not hasattr(origin, "resolve_references"):
            return [BadInputError(f"Unknown entity type {typename!r}.")] * len(representations)
        try:
            return await cast("Entity", origin).resolve_references(info, representations)
        except Exception as exc:  # border: one type's failure must not null the others
            return [exc] * len(representations)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        log_unexpected(errors, self.subgraph)


class CodedParserCache(ParserCache):
    """Syntax errors end an operation before `MaskUnexpected` sees it, so they get their code here."""

    def on_parse(self) -> Iterator[None]:
        try:
            yield from super().on_parse()
        except GraphQLSyntaxError as exc:
            raise present(exc) from exc


def create_schema(
    subgraph: str,
    *,
    query: type,
    mutation: type | None = None,
    subscription: type | None = None,
    types: Iterable[type] = (),
    extensions: Iterable[type[SchemaExtension]] = (),
) -> Schema:
    """Federation 2.9 schema with our scalars. `types` names entities and union members no root field leads to."""
    known_pages: LruMap[tuple[str, str | None], Pages] = LruMap(CACHED_DOCUMENT_COUNT)
    schema = Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=types,
        extensions=[
            lambda: CodedParserCache(maxsize=CACHED_DOCUMENT_COUNT),
            lambda: ValidationCache(maxsize=CACHED_DOCUMENT_COUNT),
            MaskUnexpected,
            lambda: PageBudget(known_pages),
            *extensions,
        ],
        config=StrawberryConfig(scalar_map=scalar_map()),
        federation_version=FEDERATION_VERSION,
    )
    schema.subgraph = subgraph
    schema.operations = Operations(schema, CACHED_DOCUMENT_COUNT)
    return schema


def export_sdl(schema: Schema) -> str:
    """The subgraph's SDL as it is committed under `schema/subgraphs/`, one newline at its end."""
    return schema.as_str().rstrip("\n") + "\n"
