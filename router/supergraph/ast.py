"""Copies of GraphQL syntax nodes with some attributes changed."""

from __future__ import annotations

from typing import Any, TypeVar

from graphql import Node

_Node = TypeVar("_Node", bound=Node)


def replace_node(node: _Node, **changes: Any) -> _Node:
    """A copy of `node` with other values for the attributes named in `changes`."""
    values = {key: getattr(node, key) for key in node.keys}
    values.update(changes)
    return type(node)(**values)
