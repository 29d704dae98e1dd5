"""The users subgraph, wired."""

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from common.auth import TokenSigner, load_private_key
from common.clock import Clock
from common.resilience import RateLimiter
from common.subgraph.app import SubgraphParts, create_subgraph
from common.subgraph.runtime import Platform
from common.subgraph.sealing import BlindIndex, Sealer, parse_keys
from subgraphs.users.loaders import UserLoaders
from subgraphs.users.passwords import Passwords
from subgraphs.users.schema import schema
from subgraphs.users.service import UserService
from subgraphs.users.service.accounts import EmailVault
from subgraphs.users.service.tokens import LoginTokens
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
    private_key = load_private_key(settings.private_key_pem())

    def new_service(platform: Platform) -> UserService:
        sealer = Sealer(parse_keys(settings.pii_keys.get_secret_value()))
        signer = TokenSigner(
            private_key,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            clock=platform.clock,
            lifetime_s=settings.access_token_lifetime_s,
        )
        return UserService(
            database=platform.database,
            outbox=platform.outbox,
            clock=platform.clock,
            vault=email_vault(settings),
            sealer=sealer,
            passwords=passwords or Passwords(),
            tokens=LoginTokens(
                signer, platform.clock, settings.access_token_lifetime_s, settings.refresh_token_lifetime_s
            ),
            login_limiter=RateLimiter(
                f"{settings.login_attempts_per_minute}/minute",
                name="login",
                redis_url=settings.redis_url,
                # whoever can stop Redis must not be able to guess passwords meanwhile
                fail_open=False,
            ),
        )

    parts = SubgraphParts(
        name=NAME,
        schema=schema,
        new_service=new_service,
        new_loaders=UserLoaders,
        commands=lambda service: {"contact": service.contact},
        routes=lambda service: [Route(JWKS_PATH, lambda _: _jwks_response(service()))],
    )
    return create_subgraph(parts, settings, clock=clock, database_name=database_name)


def email_vault(settings: UsersSettings) -> EmailVault:
    return EmailVault(
        Sealer(parse_keys(settings.pii_keys.get_secret_value())),
        BlindIndex(bytes.fromhex(settings.email_index_key.get_secret_value())),
    )


def _jwks_response(service: UserService) -> Response:
    """Public keys of access tokens (RFC 7517): what the router verifies them with."""
    return Response(service.tokens.signer.jwks, media_type="application/jwk-set+json")
