from datetime import timedelta

import pytest

from subgraphs.notifications.domain import (
    EVENT_TYPES,
    Channel,
    DeliveryStatus,
    Message,
    first_status,
    message_for,
    pause_before,
)

ORDER = {"order_id": "ord_1", "customer_id": "usr_1", "number": "1001", "total_minor": 1500, "currency": "JPY"}


def test_a_confirmed_order_is_told_with_its_total_in_its_currency() -> None:
    assert message_for("orders.order.confirmed", ORDER) == Message(
        template="order_confirmed",
        title="Order 1001 is confirmed",
        body="Thank you! We have received your payment of 1500 JPY and are packing your order.",
        user_id="usr_1",
        order_id="ord_1",
    )


def test_every_event_consumed_has_a_message_and_others_have_none() -> None:
    payload = ORDER | {"user_id": "usr_1"}

    assert all(message_for(event_type, payload) for event_type in EVENT_TYPES)
    assert message_for("orders.order.placed", payload) is None


def test_a_payload_that_lacks_its_order_is_an_error_not_a_message() -> None:
    with pytest.raises(KeyError):
        message_for("orders.order.confirmed", {"customer_id": "usr_1"})


@pytest.mark.parametrize(
    ("channel", "is_wanted", "status"),
    [
        (Channel.EMAIL, True, DeliveryStatus.QUEUED),
        (Channel.PUSH, True, DeliveryStatus.DELIVERED),
        (Channel.EMAIL, False, DeliveryStatus.SUPPRESSED),
        (Channel.PUSH, False, DeliveryStatus.SUPPRESSED),
    ],
)
def test_a_message_begins_as_its_channel_and_recipient_want(
    channel: Channel, is_wanted: bool, status: DeliveryStatus
) -> None:
    assert first_status(channel, is_wanted) is status


def test_pauses_double_up_to_five_minutes() -> None:
    pauses = [pause_before(attempt) for attempt in (1, 2, 3, 9, 30)]

    assert pauses == [timedelta(seconds=s) for s in (1, 2, 4, 256, 300)]
