"""API tokens: 256 random bits behind a prefix by which people and scanners recognize one."""

import secrets
from hashlib import sha256

PREFIX = "exg_"
_RANDOM_BYTES = 32


def new_token() -> str:
    """Make a token. It is to be shown once; only its digest is kept."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def token_digest(token: str) -> bytes:
    """What is kept of a token.

    Tokens are looked up by it, so how long that takes tells nothing of how near a guess is.
    """
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
