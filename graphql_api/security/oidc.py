"""OpenID Connect: access by a JSON Web Token that an issuer signed, verified by PyJWT."""

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import jwt

from db.enums import Role
from graphql_api.security.access import Access, access_of_role
from graphql_api.security.errors import ForbiddenError, UnauthenticatedError
from graphql_api.security.jwks import ALGORITHMS, Jwks
from graphql_api.security.tokens import token_digest
from graphql_api.settings import Settings

LEEWAY_SECONDS: Final = 30
"""How far the issuer's clock may be from ours."""
REMEMBERED: Final = 4_096
"""Verified tokens that are remembered."""
REMEMBERED_SECONDS: Final = 60.0
"""For so long, so that a key that the issuer has withdrawn is not trusted for longer."""
MAX_CHARACTERS: Final = 16_384
_ALL_ALGORITHMS = [algorithm for algorithms in ALGORITHMS.values() for algorithm in algorithms]
_REQUIRED = ["exp", "iss", "aud", "sub"]


class OpenIdConnect:
    """The tokens of one issuer."""

    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_issuer is not None
        assert settings.oidc_jwks is not None
        self._issuer = settings.oidc_issuer
        self._audience = settings.oidc_audience
        self._role_claim = settings.oidc_role_claim
        self._namespaces_claim = settings.oidc_namespaces_claim
        self._jwks = Jwks(settings.oidc_jwks)
        self._verified: OrderedDict[bytes, tuple[float, Access]] = OrderedDict()

    async def access(self, token: str) -> Access:
        """The access that a token gives.

        Raises:
            UnauthenticatedError: it is not the issuer's, not for us, or not valid now.
            ForbiddenError: it says nothing of what its bearer may do here.
            KeysUnknownError: the issuer's keys cannot be read.
        """
        digest = token_digest(token)
        known = self._verified.get(digest)
        if known is not None and time.monotonic() < known[0] and not known[1].has_expired():
            return known[1]
        access = self._access_of(await self._claims(token))
        if known is not None and _means_the_same(known[1], access):
            access = known[1]
        self._verified[digest] = (time.monotonic() + REMEMBERED_SECONDS, access)
        self._verified.move_to_end(digest)
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return access

    async def _claims(self, token: str) -> Mapping[str, Any]:
        refusal = UnauthenticatedError("The token is not valid")
        if len(token) > MAX_CHARACTERS:
            raise refusal
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in _ALL_ALGORITHMS or not isinstance(kid, (str, type(None))):
                raise refusal
            key = await self._jwks.key(kid, algorithm)
            if key is None:
                raise refusal
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            # No cause: it would say what was tried, and the log is not for tokens.
            raise refusal from None
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise refusal
        return claims

    def _access_of(self, claims: Mapping[str, Any]) -> Access:
        given = _texts(_claim(claims, self._role_claim))
        roles = [role for role in Role if role.value in given]
        if not roles:
            raise ForbiddenError(f"The token has no role of ours in its claim {self._role_claim!r}")
        namespaces = None
        if self._namespaces_claim is not None:
            value = _claim(claims, self._namespaces_claim)
            if value is None:
                raise ForbiddenError(f"The token has no namespaces in its claim {self._namespaces_claim!r}")
            namespaces = frozenset(_texts(value))
        return access_of_role(
            roles[-1],
            name=claims["sub"],
            caller=f"oidc:{claims['sub']}",
            namespaces=namespaces,
            expires_at=float(claims["exp"]) + LEEWAY_SECONDS,
        )


def _means_the_same(one: Access, other: Access) -> bool:
    return (one.role, one.caller, one.namespaces, one.expires_at) == (
        other.role,
        other.caller,
        other.namespaces,
        other.expires_at,
    )


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a path: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]
