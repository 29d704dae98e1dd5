"""Who may ask what: the whole table against a started shop, and the table against the schema."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from graphql import GraphQLObjectType, ObjectTypeDefinitionNode, build_schema, parse

from deploy.local.shop import API_SCHEMA
from deploy.local.state import ROOT
from deploy.local.supergraph import subgraph_names
from deploy.prove.auditor import Auditor
from deploy.prove.authorisation.entities import ENTITIES
from deploy.prove.authorisation.matrix import ask_everything
from deploy.prove.authorisation.rows import ROWS
from deploy.prove.authorisation.setting import Setting, prepare
from deploy.prove.buyers import Market
from deploy.prove.client import crowd
from deploy.prove.evidence import evidence
from deploy.prove.shop import proven_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ready() -> AsyncIterator[tuple[Setting, Auditor]]:
    async with (
        proven_shop() as shop,
        evidence(shop.database_urls(), shop.servers.nats_url, shop.sandbox) as seen,
        crowd(shop.url, 4) as members,
    ):
        auditor = Auditor(seen)
        yield await prepare(Market(members, shop, seen.acknowledged), auditor), auditor


async def test_every_caller_gets_what_the_table_says_and_no_secret_gets_out(ready: tuple[Setting, Auditor]) -> None:
    verdict = await ask_everything(*ready)
    assert [str(finding) for finding in verdict.findings] == []
    assert verdict.cases >= 225


def test_every_root_field_has_a_row() -> None:
    schema = build_schema(API_SCHEMA.read_text(), assume_valid=True)
    roots = [schema.query_type, schema.mutation_type, schema.subscription_type]
    fields = {f"{root.name}.{name}" for root in roots if isinstance(root, GraphQLObjectType) for name in root.fields}
    assert fields == {row.field for row in ROWS}


def test_every_entity_of_every_subgraph_has_a_row() -> None:
    found = set()
    for name in subgraph_names():
        document = parse((ROOT / f"schema/subgraphs/{name}.graphql").read_text())
        for node in document.definitions:
            if isinstance(node, ObjectTypeDefinitionNode) and _is_entity(node):
                found.add((name, node.name.value))
    assert found == {(row.subgraph, row.type) for row in ENTITIES}


def _is_entity(node: ObjectTypeDefinitionNode) -> bool:
    """References that are declared `resolvable: false` have no resolver."""
    keys = [directive for directive in node.directives or () if directive.name.value == "key"]
    return any("resolvable" not in {argument.name.value for argument in key.arguments or ()} for key in keys)
