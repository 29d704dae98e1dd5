"""Composed SDL in, Supergraph out.

Reads join v0.1 to v0.5 with renamed links. Raises InvalidSupergraphError and UnsupportedFeatureError (`errors.py`).
Costs some milliseconds per subgraph: done once per schema, never per request.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    SchemaDefinitionNode,
    build_ast_schema,
    parse,
    print_schema,
)

from router.supergraph.api_schema import api_document
from router.supergraph.errors import InvalidSupergraphError
from router.supergraph.features import read_features
from router.supergraph.join import JoinReader
from router.supergraph.model import Subgraph, Supergraph, TypeInfo
from router.supergraph.subgraph_schema import SubgraphExtractor


def load_supergraph(sdl: str) -> Supergraph:
    """Parses a supergraph SDL and derives the API schema and every subgraph's schema."""
    try:
        document = parse(sdl, no_location=True)
    except GraphQLError as exc:
        raise InvalidSupergraphError(f"The supergraph SDL is not GraphQL: {exc.message}") from exc
    features = read_features(document)
    reader = JoinReader(document, features)
    types = reader.read_types()
    roots = _root_types(document, types)
    extractor = SubgraphExtractor(document, features, types, roots)
    subgraphs = {}
    for graph in reader.graphs:
        own = extractor.extract(graph.name)
        schema = _build(extractor.with_entities(own, graph.name), f'subgraph "{graph.name}"')
        subgraphs[graph.name] = Subgraph(graph.name, graph.url, graph.value, own, schema)
    api_schema = _build(api_document(document, features), "API schema")
    return Supergraph(
        sdl=sdl,
        schema=_build(document, "supergraph"),
        api_schema=api_schema,
        api_sdl=print_schema(api_schema),
        subgraphs=subgraphs,
        types=types,
        root_types=roots,
        labels=_labels(types),
    )


def _build(document: DocumentNode, what: str) -> GraphQLSchema:
    try:
        return build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
    except (GraphQLError, TypeError) as exc:
        raise InvalidSupergraphError(f"The {what} cannot be built: {exc}") from exc


def _root_types(document: DocumentNode, types: Mapping[str, TypeInfo]) -> dict[str, str]:
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode) and node.operation_types:
            return {o.operation.value: o.type.name.value for o in node.operation_types or ()}
    return {name.lower(): name for name in ("Query", "Mutation", "Subscription") if name in types}


def _labels(types: Mapping[str, TypeInfo]) -> frozenset[str]:
    return frozenset(
        joined.override_label
        for info in types.values()
        for entry in info.fields.values()
        for joined in entry.by_subgraph.values()
        if joined.override_label
    )
