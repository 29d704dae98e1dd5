"""GraphQL side of keyset pages: `Connection[Product]` is `ProductConnection { edges nodes pageInfo }`."""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

import strawberry

from common.subgraph.keyset import Page
from common.subgraph.types import PageInfo

NodeT = TypeVar("NodeT")
RowT = TypeVar("RowT")


@strawberry.type
class Edge(Generic[NodeT]):
    cursor: str
    node: NodeT


def _edges(self: "Connection[NodeT]") -> list[Edge[NodeT]]:
    return [Edge(cursor=cursor, node=node) for cursor, node in zip(self.page.cursors, self.nodes, strict=True)]


@strawberry.type
class Connection(Generic[NodeT]):
    page: strawberry.Private[Page[Any]]
    edges: list[Edge[NodeT]] = strawberry.field(resolver=_edges)
    nodes: list[NodeT]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[RowT], to_node: Callable[[RowT], NodeT], **more: object) -> Self:
        """The connection of a page; `more` are the fields a subclass adds."""
        rows = page.rows
        return cls(
            page=page,
            nodes=[to_node(row) for row in rows],
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=page.cursor_of(rows[0]) if rows else None,
                end_cursor=page.cursor_of(rows[-1]) if rows else None,
            ),
            **more,
        )
