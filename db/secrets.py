r"""What looks like a secret, in the names of things and in text.

The patterns are read by Python and by PostgreSQL alike, so that a search can be held to what is shown. They keep to
what both understand in the same way: no `\b`, no `\w`, no lazy quantifiers, alternatives that begin differently. No
part of them can be repeated inside another, and what could be tried from many places is bounded: the time is linear.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import re2

from db.search import Patterns

MASK: Final = "***"

_WORDS: Final = frozenset(
    (
        "password",
        "passwords",
        "passwd",
        "passphrase",
        "passphrases",
        "passcode",
        "pwd",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "creds",
        "authorization",
        "token",
        "jwt",
        "cookie",
        "cookies",
        "otp",
        "totp",
        "bearer",
        "auth",
    )
)
"""A key with one of these words names a credential."""
_HARMLESS_AFTER_TOKEN: Final = frozenset(
    (
        "count",
        "counts",
        "type",
        "types",
        "limit",
        "limits",
        "usage",
        "budget",
        "length",
        "url",
        "uri",
        "endpoint",
        "expiry",
        "expires",
    )
)
_JOINED: Final = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "credential",
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "sessiontoken",
    "bearertoken",
    "idtoken",
    "apitoken",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "accountkey",
    "sharedkey",
    "masterkey",
    "sshkey",
    "sessionkey",
    "sessionid",
    "connectionstring",
    "basicauth",
    "httpauth",
)
"""A key that has one of these in it, whatever is between its words, does too."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\x00-\x7f]+")

_JSON_STEMS: Final = (
    "pass",
    "pwd",
    "secret",
    "cred",
    "auth",
    "token",
    "key",
    "jwt",
    "cookie",
    "otp",
    "session",
    "connection",
    "bearer",
    "://",
    "exg_",
    "eyj",
)
"""JSON in which none of these is, in upper or lower case, holds nothing that is masked."""
_TEXT_STEMS: Final = (
    "passw",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "credential",
    "authorization",
    "bearer",
    "token",
    "key",
    "cookie",
    "://",
    "exg_",
    "eyj",
)

_SPACE = r" \t\r\n\f\v"
_NAMES = (
    "password|passwd|passphrase|passcode|pwd|secret|credential|authorization|token(?!s|iz)|cookie"
    "|api[_ -]?key|access[_ -]?key|private[_ -]?key|account[_ -]?key|signing[_ -]?key|encryption[_ -]?key"
)
_VALUE = rf"""(?:\\+"[^"]*"?|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^{_SPACE},;&"'<>)}}\]\\][^{_SPACE},;&"'<>)}}\]]*)"""
_URL = r"""(://)[^/?# \t\r\n\f\v"<>]*@"""
_URL_WITH_SLASHES = r"""(://[^/?#:@ \t\r\n\f\v"<>]{0,255}:)(?![0-9]{1,5}[/?#])[^ \t\r\n\f\v"<>@]{0,255}@"""
_KNOWN = (
    r"()(?:exg_[A-Za-z0-9_-]{20,255}|eyJ[A-Za-z0-9_-]{8,}[.][A-Za-z0-9_-]{8,}[.][A-Za-z0-9_-]*"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/= \t\r\n]*)"
)
_BEARER = r"(bearer[ \t]{1,8})[A-Za-z0-9._~+/=-]{8,}"


class Secrets:
    """What is taken for a secret: what everybody does, and the keys that a setting adds."""

    def __init__(self, extra_keys: Sequence[str] = ()) -> None:
        """Prepare.

        Args:
            extra_keys: further names of credentials, as `ssn` or `card_number`, however they are written.
        """
        self._extra = [words for key in extra_keys if (words := _words(key))]
        self.names_secret = lru_cache(maxsize=4_096)(self._names_secret)
        extra_stems = [words[0] for words in self._extra]
        self.json_may_hold = _finds_one_of([*_JSON_STEMS, *extra_stems])
        """Whether JSON may hold a secret: nearly all does not, and is asked for nothing else."""
        self.text_may_hold = _finds_one_of([*_TEXT_STEMS, *extra_stems])
        """The same of text."""
        extra_names = ["[_ -]?".join(map(re.escape, words)) for words in self._extra]
        names = "|".join([_NAMES, *extra_names])
        named = (
            rf"((?:{names})[A-Za-z0-9_.-]{{0,64}}\\*[\"']?[ \t]{{0,8}}[=:]>?[ \t]{{0,8}}"
            rf"(?:(?:bearer|basic|token)[ \t]{{1,8}})?){_VALUE}"
        )
        replaced = (
            (_URL, rf"\1{MASK}@"),
            (_URL_WITH_SLASHES, rf"\1{MASK}@"),
            (_BEARER, rf"\1{MASK}"),
            (_KNOWN, rf"\1{MASK}"),
            (named, rf"\1{MASK}"),
        )
        self.patterns = Patterns("|".join(map(re.escape, [*_TEXT_STEMS, *extra_stems])), replaced)
        """The same for PostgreSQL."""
        self._compiled = [(re.compile(p, re.IGNORECASE | re.ASCII | re.DOTALL), new) for p, new in replaced]

    def hides(self, key: str, *, number: bool) -> bool:
        """Whether what stands under this key is masked. `tokens` are credentials, unless they are a number of them."""
        return self.names_secret(key) or (not number and key.lower().endswith("tokens"))

    def _names_secret(self, key: str) -> bool:
        """Whether what stands under this key is a credential, whatever it is."""
        words = _words(key)
        joined = "".join(words)
        if any(part in joined for part in _JOINED):
            return True
        for place, word in enumerate(words):
            if word == "token" and words[place + 1 : place + 2] and words[place + 1] in _HARMLESS_AFTER_TOKEN:
                continue
            if word in _WORDS:
                return True
        return any(_contains(words, extra) for extra in self._extra)

    def masked_text(self, text: str) -> str:
        """The text without what looks like a secret in it."""
        try:
            if not self.text_may_hold(text):
                return text
        except UnicodeEncodeError:
            pass  # a lone surrogate, which only the log can meet
        for pattern, replacement in self._compiled:
            text = pattern.sub(replacement, text)
        return text


def _finds_one_of(stems: Sequence[str]) -> Callable[[str], Any]:
    """RE2 looks for all of them at once, in a tenth of the time that Python takes for one after the other."""
    options = re2.Options()
    options.case_sensitive = False
    found = re2.Set.SearchSet(options)
    found.Add("|".join(map(re2.escape, stems)))
    found.Compile()
    match: Callable[[str], Any] = found.Match
    return match


def _words(key: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(key)]


def _contains(words: Sequence[str], part: Sequence[str]) -> bool:
    if "".join(words) == "".join(part):
        return True
    return any(words[place : place + len(part)] == part for place in range(len(words) - len(part) + 1))
