"""What can go wrong while notifying.

DeliveryError           the provider did not take the message; tried again later
└── UndeliverableError  it never will: no such address
"""


class DeliveryError(Exception):
    """The text goes into the log and the row, so it must not hold an address."""


class UndeliverableError(DeliveryError):
    pass
