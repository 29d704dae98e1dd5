"""Configuration of the users subgraph, on top of what every subgraph with personal data needs."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from common.auth.tokens import ACCESS_TOKEN_LIFETIME_MAX_S
from common.subgraph.data_keys import SealingSettings


class UsersSettings(SealingSettings):
    #: Ed25519 private key that signs access tokens: PEM text, or the path of a PEM file
    jwt_private_key: SecretStr
    #: 64 hex digits; finds accounts by e-mail address. It cannot change while accounts exist
    email_index_key: SecretStr
    #: 5 to 15 minutes: so long it is good after a logout
    access_token_lifetime_s: Annotated[int, Field(ge=300, le=ACCESS_TOKEN_LIFETIME_MAX_S)] = ACCESS_TOKEN_LIFETIME_MAX_S
    refresh_token_lifetime_s: Annotated[int, Field(ge=3600)] = 30 * 24 * 3600
    #: passwords tried per account and minute; a device that was logged in before has as many for itself
    login_attempts_per_minute: Annotated[int, Field(ge=1)] = 10
    #: passwords tried per account and hour by strangers
    login_attempts_per_hour: Annotated[int, Field(ge=1)] = 60
    #: messages with links per account or address in half an hour, which is how long a link to a new password works:
    #: while others' wishes have used them up, the owner of the mailbox still has a link that works
    links_per_half_hour: Annotated[int, Field(ge=1)] = 5
    #: the front end's pages that links in messages lead to: `<url>/password-reset#token=…`
    account_url: str = "http://localhost:8080/account"

    def private_key_pem(self) -> str:
        """Raises OSError if it names a file that cannot be read."""
        text = self.jwt_private_key.get_secret_value()
        return text if text.lstrip().startswith("-----BEGIN") else Path(text).read_text(encoding="ascii")
