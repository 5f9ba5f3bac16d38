"""Access: who asks, and what is open to them."""

import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from db.enums import Role


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """What one caller may do and see. Its identity is that of the credential it was made from."""

    role: Role
    name: str = ""
    """What logs call the caller; empty without authentication."""
    caller: str = ""
    """Whose idempotency keys and share of the server's capacity these are."""
    namespaces: frozenset[str] | None = None
    """What the caller is limited to; None: nothing. What lies in other namespaces does not exist for it."""
    shows_secrets: bool = False
    """Whether values are shown that name credentials."""
    expires_at: float | None = None
    """When the credential ends, as `time.time()` counts; None: never."""
    token_id: UUID | None = None
    """The API token, if it is one: it may be revoked."""

    def may(self, role: Role) -> bool:
        """Whether the caller may do what is for a role."""
        return self.role.rank >= role.rank

    def sees(self, namespace: str) -> bool:
        """Whether what lies in a namespace exists for the caller."""
        return self.namespaces is None or namespace in self.namespaces

    def has_expired(self) -> bool:
        """Whether the credential has ended by itself."""
        return self.expires_at is not None and self.expires_at <= time.time()


UNAUTHENTICATED: Final = Access(role=Role.ADMIN)
"""That of everybody where no authentication is configured, which is on loopback only: everything is allowed, and
secrets are masked, for nobody has said who they are."""


def access_of_role(
    role: Role,
    *,
    name: str,
    caller: str,
    namespaces: frozenset[str] | None,
    expires_at: float | None,
    token_id: UUID | None = None,
) -> Access:
    """The access of somebody who said who they are: secrets are for those who report them."""
    return Access(role, name, caller, namespaces, role.rank >= Role.ENGINE.rank, expires_at, token_id)
