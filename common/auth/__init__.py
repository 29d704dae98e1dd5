"""Who is calling: access tokens from outside, the signed context between router and subgraphs, and the principal both
yield.
"""

from common.auth.context import (
    CONTEXT_HEADER,
    ContextSigner,
    ContextVerifier,
    sign_context,
)
from common.auth.keys import KeySource, RefreshedKeys, StaticKeys, key_source, parse_key_set
from common.auth.principal import ANONYMOUS, Principal
from common.auth.tokens import (
    SignedToken,
    TokenSigner,
    TokenVerifier,
    VerifiedToken,
    generate_private_key,
    key_set,
    load_private_key,
)

__all__ = [
    "ANONYMOUS",
    "CONTEXT_HEADER",
    "ContextSigner",
    "ContextVerifier",
    "KeySource",
    "Principal",
    "RefreshedKeys",
    "SignedToken",
    "StaticKeys",
    "TokenSigner",
    "TokenVerifier",
    "VerifiedToken",
    "generate_private_key",
    "key_set",
    "key_source",
    "load_private_key",
    "parse_key_set",
    "sign_context",
]
