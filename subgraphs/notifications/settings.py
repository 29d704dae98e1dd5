"""Configuration of the notifications subgraph, on top of what every subgraph needs."""

from pydantic import SecretStr

from common.settings import SubgraphSettings


class NotificationsSettings(SubgraphSettings):
    #: `smtp://user:secret@host:587` (STARTTLS) or `smtps://…`; without it e-mails are recorded only
    smtp_url: SecretStr | None = None
    mail_from: str = "Punnet <shop@punnet.example>"
