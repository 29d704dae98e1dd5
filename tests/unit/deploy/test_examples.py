"""The example operations, which are GraphiQL's tabs and the tour's, are valid for the API schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from deploy.local.demo import record_demo_logins
from deploy.local.examples import EXAMPLES, write_examples
from deploy.local.shop import API_SCHEMA, logins
from deploy.local.state import StateFolder

QUERIES = sorted(EXAMPLES.glob("*.graphql"))


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_an_example_is_valid(path: Path) -> None:
    assert validate(build_schema(API_SCHEMA.read_text()), parse(path.read_text())) == []


def test_examples_become_tabs_with_a_token_where_one_is_needed(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    record_demo_logins(folder, logins())
    tabs = json.loads(write_examples(folder).read_text())
    assert [tab["query"] for tab in tabs] == [path.read_text() for path in QUERIES]
    tokens = [json.loads(tab.get("headers", "{}")).get("authorization", "") for tab in tabs]
    assert [token.startswith("Bearer ey") for token in tokens] == [False, False, True, True, True, True]


def test_without_demo_data_tabs_carry_no_token(tmp_path: Path) -> None:
    tabs = json.loads(write_examples(StateFolder(tmp_path)).read_text())
    assert [tab for tab in tabs if "headers" in tab] == []
