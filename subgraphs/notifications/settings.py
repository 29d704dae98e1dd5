"""Configuration of the notifications subgraph, on top of what every subgraph with personal data needs."""

from pydantic import SecretStr

from common.subgraph.data_keys import SealingSettings


class NotificationsSettings(SealingSettings):
    #: `smtp://user:secret@host:587` or `smtps://…`, see service/mail.py; without it e-mails are recorded only
    smtp_url: SecretStr | None = None
    mail_from: str = "Punnet <shop@punnet.example>"
    #: where text messages and messages to devices are handed over, see service/providers.py; without an address they
    #: are recorded only
    sms_url: str | None = None
    sms_key: SecretStr | None = None
    push_url: str | None = None
    push_key: SecretStr | None = None
