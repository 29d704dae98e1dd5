"""Settings of the orders subgraph."""

from pydantic import Field

from common.subgraph.data_keys import SealingSettings


class OrdersSettings(SealingSettings):
    """On top of what every subgraph that keeps personal data needs; environment variables PUNNET_<NAME>."""

    #: how long stock is held for an order that is not paid, in seconds
    reservation_ttl_s: float = Field(default=900.0, gt=0)
