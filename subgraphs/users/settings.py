"""Configuration of the users subgraph, on top of what every subgraph needs."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from common.settings import SubgraphSettings


class UsersSettings(SubgraphSettings):
    #: Ed25519 private key that signs access tokens: PEM text, or the path of a PEM file
    jwt_private_key: SecretStr
    #: seals e-mail and postal addresses: `<id>:<64 hex digits>`, several separated by commas, the first seals
    pii_keys: SecretStr
    #: 64 hex digits; finds accounts by e-mail address. It cannot change while accounts exist
    email_index_key: SecretStr
    access_token_lifetime_s: Annotated[int, Field(ge=60, le=3600)] = 900
    refresh_token_lifetime_s: Annotated[int, Field(ge=3600)] = 30 * 24 * 3600
    #: login attempts per account and minute
    login_attempts_per_minute: Annotated[int, Field(ge=1)] = 10

    def private_key_pem(self) -> str:
        """Raises OSError if it names a file that cannot be read."""
        text = self.jwt_private_key.get_secret_value()
        return text if text.lstrip().startswith("-----BEGIN") else Path(text).read_text(encoding="ascii")
