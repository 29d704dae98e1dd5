"""When a subscription is known to the server: before, others are told that nobody serves, and what passes is missed."""

from nats.aio.client import Client


async def until_registered(client: Client) -> None:
    """Returns when the server knows of all subscriptions made before. Raises nats.errors.Error.

    The library's `flush` sends its ping ahead of what waits to be sent, so the answer to the first one may come before
    the server has seen a subscription; the second ping follows it.
    """
    await client.flush()
    await client.flush()
