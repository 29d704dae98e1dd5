"""GraphQL side of keyset pages: `Connection[Product]` is `ProductConnection { edges nodes pageInfo }`."""

from collections.abc import Callable
from typing import Generic, Self, TypeVar

import strawberry

from common.subgraph.keyset import Page
from common.subgraph.types import PageInfo

NodeT = TypeVar("NodeT")
RowT = TypeVar("RowT")


@strawberry.type
class Edge(Generic[NodeT]):
    cursor: str
    node: NodeT


@strawberry.type
class Connection(Generic[NodeT]):
    edges: list[Edge[NodeT]]
    nodes: list[NodeT]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[RowT], to_node: Callable[[RowT], NodeT], **more: object) -> Self:
        """The connection of a page; `more` are the fields a subclass adds."""
        nodes = [to_node(row) for row in page.rows]
        return cls(
            edges=[Edge(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=True)],
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=page.cursors[0] if page.cursors else None,
                end_cursor=page.cursors[-1] if page.cursors else None,
            ),
            **more,
        )
