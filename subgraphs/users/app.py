"""The users subgraph, wired."""

import hashlib
import hmac

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from common.auth import TokenSigner, load_private_key
from common.clock import Clock, SystemClock
from common.flags import Flags
from common.resilience import RateLimiter
from common.subgraph.app import SubgraphParts, create_subgraph
from common.subgraph.data_keys import DataKeys
from common.subgraph.due import DueWorker, Signal
from common.subgraph.runtime import Platform
from common.subgraph.sealing import BlindIndex, Sealer, parse_keys
from common.telemetry import Metrics
from subgraphs.users.events import UserEvents
from subgraphs.users.loaders import UserLoaders
from subgraphs.users.passwords import Passwords
from subgraphs.users.schema import schema
from subgraphs.users.service import UserService
from subgraphs.users.service.accounts import Accounts, Vault
from subgraphs.users.service.administration import Administration
from subgraphs.users.service.credentials import Credentials
from subgraphs.users.service.directory import Directory
from subgraphs.users.service.emails import Emails
from subgraphs.users.service.links import Links
from subgraphs.users.service.logins import Logins
from subgraphs.users.service.profile import Profile
from subgraphs.users.service.registration import Registration
from subgraphs.users.service.throttle import LoginThrottle
from subgraphs.users.service.tokens import DeviceTokens, LoginTokens
from subgraphs.users.service.upkeep import Resealing, Upkeep
from subgraphs.users.settings import UsersSettings

NAME = "users"
JWKS_PATH = "/.well-known/jwks.json"


def create_app(
    settings: UsersSettings | None = None,
    *,
    clock: Clock | None = None,
    database_name: str = "",
    passwords: Passwords | None = None,
) -> Starlette:
    """The ASGI application; settings come from the environment unless given. Tests pass cheap `passwords`."""
    # pydantic-settings fills required fields from the environment, which type checkers cannot see
    settings = settings or UsersSettings()  # type: ignore[call-arg]
    # a key that cannot be read ends the start, not the first login
    settings.private_key_pem()

    parts = SubgraphParts(
        name=NAME,
        schema=schema,
        new_service=lambda platform: _service(settings, platform, passwords or Passwords()),
        new_loaders=UserLoaders,
        commands=lambda service: {
            "contact": service.directory.contact,
            "guest": service.directory.guest,
            "default_address": service.directory.default_address,
            "link": service.links.link,
        },
        workers=lambda service: [
            service.upkeep,
            DueWorker(service.credentials.send_requested, service.credentials.reset_due),
        ],
        routes=lambda service: [Route(JWKS_PATH, lambda _: _jwks_response(service()))],
    )
    return create_subgraph(parts, settings, clock=clock, database_name=database_name)


def vault_of(settings: UsersSettings, clock: Clock | None = None) -> Vault:
    """Raises ValueError for keys that cannot be read."""
    return Vault(
        keys=DataKeys(settings.key_ring(), clock or SystemClock()),
        index=BlindIndex(bytes.fromhex(settings.email_index_key.get_secret_value())),
        older=Sealer(parse_keys(settings.pii_keys.get_secret_value())),
    )


def _service(settings: UsersSettings, platform: Platform, passwords: Passwords) -> UserService:
    database, clock, outbox = platform.database, platform.clock, platform.outbox
    vault = vault_of(settings, clock)
    accounts, events = Accounts(database, vault), UserEvents(clock)
    entered = Metrics().counter("ecommerce_users_total", "Users by the status they entered", ("status",))
    logins = Logins(database, accounts, passwords, _tokens(settings, platform, vault, events), _throttle(settings))
    links = Links(database, accounts, clock, settings.account_url.rstrip("/"))
    return UserService(
        database=database,
        vault=vault,
        registration=Registration(database, vault, logins, outbox, events, clock, entered, Flags(settings.flags)),
        logins=logins,
        credentials=Credentials(
            database, logins, links, outbox, events, clock, _limiter(settings, "reset"), Signal(), entered
        ),
        emails=Emails(database, logins, links, outbox, events, clock, _limiter(settings, "email")),
        profile=Profile(database, accounts, clock),
        administration=Administration(database, accounts, outbox, events, clock, entered),
        links=links,
        directory=Directory(database, accounts),
        upkeep=Upkeep(database, Resealing(database, vault), clock),
    )


def _tokens(settings: UsersSettings, platform: Platform, vault: Vault, events: UserEvents) -> LoginTokens:
    signer = TokenSigner(
        load_private_key(settings.private_key_pem()),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        clock=platform.clock,
        lifetime_s=settings.access_token_lifetime_s,
    )
    index_key = bytes.fromhex(settings.email_index_key.get_secret_value())
    return LoginTokens(
        platform.database,
        vault,
        platform.outbox,
        events,
        signer,
        # a key of its own, derived: hashes of addresses and of devices never meet
        DeviceTokens(hmac.new(index_key, b"device tokens", hashlib.sha256).digest()),
        platform.clock,
        settings.access_token_lifetime_s,
        settings.refresh_token_lifetime_s,
    )


def _throttle(settings: UsersSettings) -> LoginThrottle:
    # whoever can stop Redis must not be able to guess passwords meanwhile
    minute = f"{settings.login_attempts_per_minute}/minute"
    hour = f"{settings.login_attempts_per_hour}/hour"
    return LoginThrottle(
        strangers=(
            RateLimiter(minute, name="login", redis_url=settings.redis_url, fail_open=False),
            RateLimiter(hour, name="login-hour", redis_url=settings.redis_url, fail_open=False),
        ),
        devices=RateLimiter(minute, name="login-device", redis_url=settings.redis_url, fail_open=False),
    )


def _limiter(settings: UsersSettings, name: str) -> RateLimiter:
    limit = f"{settings.links_per_half_hour}/30 minutes"
    return RateLimiter(limit, name=name, redis_url=settings.redis_url, fail_open=False)


def _jwks_response(service: UserService) -> Response:
    """Public keys of access tokens (RFC 7517): what the router verifies them with."""
    return Response(service.logins.tokens.signer.jwks, media_type="application/jwk-set+json")
