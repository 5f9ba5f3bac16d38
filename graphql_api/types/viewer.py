"""Who asks, and what is open to them."""

import strawberry

from db.enums import Role
from graphql_api.security.access import Access

strawberry.enum(Role, description="What a caller may do, in ascending order: read, report, delete.")


@strawberry.type(description="Who asks, and what is open to them.")
class Viewer:
    """A caller."""

    name: str | None = strawberry.field(description="What the token is called; null without authentication.")
    role: Role
    namespaces: list[str] | None = strawberry.field(description="What the token is limited to; null: nothing.")


def viewer_of(access: Access) -> Viewer:
    """The caller with this access."""
    namespaces = None if access.namespaces is None else sorted(access.namespaces)
    return Viewer(name=access.name or None, role=access.role, namespaces=namespaces)
