"""Second check of identity and scopes, in the subgraph: the router checked first, but `_entities` is a side door."""

from common.auth import Principal
from common.errors import ForbiddenError, UnauthenticatedError


def require_user(principal: Principal) -> str:
    """Id of the signed-in user. Raises UnauthenticatedError for an anonymous caller."""
    if not principal.subject:
        raise UnauthenticatedError
    return principal.subject


def require_scope(principal: Principal, scope: str) -> str:
    """Id of the signed-in user who holds `scope`. Raises UnauthenticatedError or ForbiddenError."""
    subject = require_user(principal)
    if scope not in principal.scopes:
        raise ForbiddenError(f"{subject} lacks the scope {scope}")
    return subject


def may_see(principal: Principal, owner_id: str, *, any_scope: str) -> bool:
    """Whether the caller owns the thing or may read everybody's."""
    return principal.subject == owner_id or any_scope in principal.scopes


def require_owner(principal: Principal, owner_id: str, *, any_scope: str) -> None:
    """Raises UnauthenticatedError or ForbiddenError unless the caller owns the thing or holds `any_scope`."""
    if not may_see(principal, owner_id, any_scope=any_scope):
        raise ForbiddenError(f"{require_user(principal)} asked for what belongs to {owner_id}")
