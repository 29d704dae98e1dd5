"""Configuration of the sandbox, from the environment."""

from typing import Annotated

from pydantic import Field, SecretStr

from common.settings import Settings
from common.webhooks import parse_secrets


class SandboxSettings(Settings):
    database_url: Annotated[str, Field(validation_alias="DATABASE_URL")] = (
        "postgresql://postgres@127.0.0.1:5432/postgres"
    )
    #: what the shop shows to be let in, and for `/__admin/…`
    payment_provider_key: SecretStr
    #: what may be shown to anybody, since it can create tokens and nothing else
    payment_publishable_key: SecretStr
    #: seals card numbers: `<id>:<64 hex digits>`, several separated by commas, the first seals
    sandbox_vault_keys: SecretStr
    #: where the pages of the sandbox are for a customer's browser
    sandbox_url: str = "http://127.0.0.1:4010"
    #: an endpoint that is told of what happens, beside those registered over HTTP
    sandbox_webhook_url: str | None = None
    #: signs what that endpoint is told; several, separated by commas, while one replaces another
    payment_webhook_secret: SecretStr | None = None
    #: HOST:PORT to take mail at, by SMTP; None: none is taken
    sandbox_smtp_listen: str | None = None
    #: what lets the shop send text messages and push notifications; None: nobody may
    sandbox_message_key: SecretStr | None = None
    #: how long a bank takes to transfer money
    sandbox_bank_delay_s: Annotated[float, Field(ge=0)] = 3.0
    #: how long somebody with the card for it takes to dispute a charge, and the bank to decide
    sandbox_dispute_delay_s: Annotated[float, Field(ge=0)] = 5.0

    def webhook_secrets(self) -> tuple[str, ...]:
        return parse_secrets(self.payment_webhook_secret.get_secret_value()) if self.payment_webhook_secret else ()
