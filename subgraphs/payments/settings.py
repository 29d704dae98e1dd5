"""Configuration of the payments subgraph, on top of what every subgraph needs."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from common.money import InvalidMoneyError, Money
from common.settings import SubgraphSettings
from common.webhooks import parse_secrets


class PaymentsSettings(SubgraphSettings):
    #: address of the payment provider, without a path
    payment_provider_url: str = "http://127.0.0.1:4010"
    #: what lets us in there
    payment_provider_key: SecretStr
    #: how long one call may take
    payment_provider_timeout_s: Annotated[float, Field(gt=0, le=30)] = 3.0
    #: checks what the provider tells us; several, separated by commas, while one replaces another. None: nobody is
    #: believed
    payment_webhook_secret: SecretStr | None = None
    #: HOST:PORT to hear the provider at, beside our own port, where that is nobody's but the router's. None: not needed
    payment_webhook_listen: str | None = None
    #: what somebody without `payments:write` may give back in a day: `<currency>:<amount>`, separated by commas.
    #: Nothing in other currencies
    support_refund_limits: str = "USD:200.00,EUR:185.00,GBP:155.00"

    @field_validator("support_refund_limits")
    @classmethod
    def _limits_are_money(cls, text: str) -> str:
        refund_limits(text)
        return text

    def webhook_secrets(self) -> tuple[str, ...]:
        return parse_secrets(self.payment_webhook_secret.get_secret_value()) if self.payment_webhook_secret else ()


def refund_limits(text: str) -> Mapping[str, int]:
    """Currency -> minor units. Raises ValueError."""
    limits = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        currency, _, amount = part.partition(":")
        try:
            limits[currency] = Money.parse(amount, currency).amount_minor
        except InvalidMoneyError as exc:
            raise ValueError(f"a refund limit is <currency>:<amount>, not {part!r}") from exc
    return limits
