"""The users subgraph for tests: made-up keys and passwords that are cheap to hash."""

from argon2 import PasswordHasher
from pydantic import SecretStr
from starlette.applications import Starlette

from common.auth import generate_private_key
from subgraphs.users.app import create_app
from subgraphs.users.passwords import Passwords
from subgraphs.users.settings import UsersSettings
from tests.kit.subgraph import fresh_database_name, settings_of


def users_settings(postgres_url: str, nats_url: str) -> UsersSettings:
    return UsersSettings(
        **settings_of(postgres_url, nats_url),
        jwt_private_key=SecretStr(generate_private_key()),
        email_index_key=SecretStr("2" * 64),
        login_attempts_per_minute=5,
    )


def cheap_passwords() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def users_app(settings: UsersSettings, database_name: str = "") -> Starlette:
    return create_app(
        settings, database_name=database_name or fresh_database_name("users"), passwords=cheap_passwords()
    )
