"""The keys of an OpenID Connect issuer, by URL or from a file."""

import asyncio
import json
import logging
import ssl
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jwt

logger = logging.getLogger("execgraph.security")

REFRESH_SECONDS: Final = 600.0
"""How long keys are taken as the issuer's present ones."""
UNKNOWN_KEY_SECONDS: Final = 10.0
"""A key that is not known may be new, so it has the keys read anew, but not more often than this."""
FETCH_SECONDS: Final = 5.0
MAX_BYTES: Final = 1_048_576

ALGORITHMS: Final[Mapping[str, tuple[str, ...]]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
"""What may be signed with, by the type of the key. All have a public and a private key: a shared secret, `none`, or
a public key that is taken for a secret are no signatures here."""


class KeysUnknownError(ConnectionError):
    """The issuer's keys cannot be read just now."""


class Jwks:
    """The keys of one issuer."""

    def __init__(self, source: str) -> None:
        """Prepare; nothing is read before it is needed.

        Args:
            source: an https:// URL (http:// on loopback), or the path of a file.
        """
        self._source = source
        self._keys: list[dict[str, Any]] = []
        self._tried_at = self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of a signature, None if the issuer has none that can have made it.

        Raises:
            KeysUnknownError: the keys cannot be read.
        """
        if time.monotonic() - self._read_at > REFRESH_SECONDS:
            await self._read_after(self._read_at)
        found = self._find(kid, algorithm)
        if found is None:
            await self._read_after(self._read_at)
            found = self._find(kid, algorithm)
        return found

    def _find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        fitting = [
            key
            for key in self._keys
            if (kid is None or key.get("kid") == kid)
            and algorithm in ALGORITHMS.get(str(key.get("kty")), ())
            and key.get("alg", algorithm) == algorithm
            and key.get("use", "sig") == "sig"
        ]
        if len(fitting) != 1:  # a signature without a `kid` is of the only key there is
            return None
        try:
            return jwt.PyJWK.from_dict(fitting[0], algorithm=algorithm)
        except jwt.PyJWTError:
            return None

    async def _read_after(self, seen: float) -> None:
        async with self._lock:
            if self._read_at > seen or time.monotonic() - self._tried_at < UNKNOWN_KEY_SECONDS:
                if not self._keys:
                    raise KeysUnknownError("no keys")
                return
            self._tried_at = time.monotonic()
            try:
                self._keys = await asyncio.to_thread(_read, self._source)
                self._read_at = self._tried_at
            except (OSError, ValueError, RecursionError) as error:
                logger.warning("cannot read the issuer's keys: %s", error)
                if not self._keys:
                    raise KeysUnknownError(type(error).__name__) from error


def is_url(source: str) -> bool:
    """Whether a source of keys is a URL, not a path."""
    return source.startswith(("https://", "http://"))


def _read(source: str) -> list[dict[str, Any]]:
    if is_url(source):
        opener = urllib.request.build_opener(
            _NoRedirects, urllib.request.HTTPSHandler(context=ssl.create_default_context())
        )
        with opener.open(source, timeout=FETCH_SECONDS) as response:
            content = response.read(MAX_BYTES + 1)
    else:
        content = Path(source).read_bytes()
    if len(content) > MAX_BYTES:
        raise ValueError("it is too large")
    document = json.loads(content)
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise ValueError("it is no JSON Web Key Set")
    return [key for key in keys if isinstance(key, dict)]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The keys come from where the operator said, or not at all."""

    def redirect_request(self, *_: Any) -> None:
        return None
