"""Doing a call once: a key, the fingerprint of its arguments and its result, kept by the transaction that works."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import LargeBinary, bindparam, column, text

from db.errors import IdempotencyConflictError
from db.models.model import JSON_COLUMN
from db.transaction import Transaction, is_changed


@dataclass(frozen=True, slots=True)
class Call:
    """A call that carries a key."""

    caller: str
    mutation: str
    key: str
    arguments_digest: bytes


async def once(session: Transaction, call: Call, work: Callable[[], Awaitable[Any]]) -> Any:
    """Do the work of a call, or give what it gave before: a JSON value.

    Two at once: the second waits for the first one's transaction to end, then finds its result. A call that is
    refused raises, and one that changes nothing is forgotten, so both are evaluated again when repeated.

    Raises:
        IdempotencyConflictError: the key was used with other arguments.
    """
    parameters = {
        "caller": call.caller,
        "mutation": call.mutation,
        "key": call.key,
        "arguments_digest": call.arguments_digest,
    }
    if (await session.execute(_CLAIM, parameters)).one_or_none() is None:
        known = (await session.execute(_KNOWN, parameters)).one()
        if known.arguments_digest != call.arguments_digest:
            raise IdempotencyConflictError(call.key)
        return known.result
    result = await work()
    if is_changed(session):
        await session.execute(_REMEMBER, {**parameters, "result": result})
    else:
        await session.execute(_FORGET, parameters)
    return result


async def forget_calls(session: Transaction, older_than: timedelta, limit: int) -> int:
    """Forget at most `limit` calls that are older than this; gives how many it were."""
    result = await session.execute(_FORGET_OLD, {"age": older_than, "limit": limit})
    return len(result.all())


_KEY = "caller = :caller AND mutation = :mutation AND key = :key"
# A row that another transaction is just inserting is waited for: it works or it does not, then we know.
_CLAIM = text(
    "INSERT INTO idempotency_keys (caller, mutation, key, arguments_digest)"
    " VALUES (:caller, :mutation, :key, :arguments_digest) ON CONFLICT DO NOTHING RETURNING 1"
)
_KNOWN = text(f"SELECT arguments_digest, result FROM idempotency_keys WHERE {_KEY}").columns(  # noqa: S608
    column("arguments_digest", LargeBinary()), column("result", JSON_COLUMN)
)
_REMEMBER = text(f"UPDATE idempotency_keys SET result = :result WHERE {_KEY}").bindparams(  # noqa: S608
    bindparam("result", type_=JSON_COLUMN)
)
_FORGET = text(f"DELETE FROM idempotency_keys WHERE {_KEY}")  # noqa: S608
_FORGET_OLD = text(
    """
    DELETE FROM idempotency_keys WHERE (caller, mutation, key) IN (
        SELECT caller, mutation, key FROM idempotency_keys
        WHERE created_at < clock_timestamp() - CAST(:age AS interval)
        ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING 1
    """
)
