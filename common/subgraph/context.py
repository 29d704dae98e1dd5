"""What a resolver finds in `info.context`: who asks, the subgraph's service, and loaders that live for one request."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from common.auth import Principal
from common.subgraph.revocations import Revocations

ServiceT = TypeVar("ServiceT")
LoadersT = TypeVar("LoadersT")


@dataclass(slots=True)
class Context(Generic[ServiceT, LoadersT]):
    """One HTTP request, or one WebSocket with all its subscriptions. `service` lives as long as the process."""

    principal: Principal
    service: ServiceT
    new_loaders: Callable[[ServiceT], LoadersT]
    revocations: Revocations
    loaders: LoadersT = field(init=False)

    def __post_init__(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Forgets what the loaders have cached: before each event of a subscription, which would else see old rows.
        Raises UnauthenticatedError where the caller's token has ended meanwhile."""
        self.revocations.require_valid(self.principal)
        self.loaders = self.new_loaders(self.service)
