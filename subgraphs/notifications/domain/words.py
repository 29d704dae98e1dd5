"""The words of notifications."""

from enum import Enum

ID_PREFIX = "ntf"
USER_ID_PREFIX = "usr"
ORDER_ID_PREFIX = "ord"


class Channel(Enum):
    EMAIL = "EMAIL"
    SMS = "SMS"
    #: to the devices a user registered
    PUSH = "PUSH"
    #: the list inside the shop, shown at once in open browsers
    IN_APP = "IN_APP"


class Category(Enum):
    """What a message is about; users choose channels per category."""

    ACCOUNT = "ACCOUNT"
    #: links and warnings about the account: e-mail always, whatever the user chose
    SECURITY = "SECURITY"
    ORDERS = "ORDERS"
    PAYMENTS = "PAYMENTS"


class DeliveryStatus(Enum):
    QUEUED = "QUEUED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    #: given up
    DEAD = "DEAD"
    #: the recipient does not want this channel
    SUPPRESSED = "SUPPRESSED"


class PushPlatform(Enum):
    ANDROID = "ANDROID"
    IOS = "IOS"
    WEB = "WEB"
