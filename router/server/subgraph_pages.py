"""What subgraphs have at their address beside GraphQL, asked for on behalf of whoever looks at a page of the router."""

from __future__ import annotations

import asyncio
import logging

from router.transport.errors import TransportError
from router.transport.model import Headers, SubgraphPages, SubgraphResponse

logger = logging.getLogger(__name__)
_TIMEOUT_S = 2.0


async def get_page(name: str, pages: SubgraphPages, target: str, headers: Headers = ()) -> SubgraphResponse | None:
    """None without an answer in two seconds, whatever the reason."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await pages.get(target, headers)
    except (TransportError, TimeoutError):
        return None
    except Exception:  # a border: applications in this process may raise anything
        logger.warning("subgraph %s cannot give %s", name, target.partition("?")[0], exc_info=True)
        return None
