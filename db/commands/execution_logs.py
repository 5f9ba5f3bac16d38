"""Appending log entries."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select, text

from db.commands.locks import lock_run_to_append
from db.enums import LogLevel
from db.errors import InvalidInputError
from db.models import NodeExecution
from db.state_machine import MAX_CLOCK_SKEW
from db.statement_trace import copy_rows
from db.transaction import Transaction, touch
from db.validation import (
    MAX_BATCH_BYTES,
    check_batch,
    check_integer,
    check_message,
    check_timestamp,
    checked_json,
    is_plain_message,
)


class NewEntry(Protocol):
    """An entry to be appended."""

    level: LogLevel
    message: str
    data: Any
    timestamp: datetime | None
    node_execution_id: UUID | None
    attempt: int | None


class Appended(NamedTuple):
    """The numbers that the entries of one call got."""

    first_sequence: int
    last_sequence: int


async def append_logs(session: Transaction, run_id: UUID, entries: Sequence[NewEntry]) -> Appended:
    """Append entries to a run, in order and without a gap, whatever the state of the run.

    An entry without a timestamp is of now; one of a step, without an attempt, is of the step's present try.

    Raises:
        NotFoundError: no such run.
        InvalidInputError: an entry is not acceptable (the path names it); nothing is written.
    """
    now = datetime.now(UTC)
    data = _check(entries, now)
    await lock_run_to_append(session, run_id)
    attempts = await _present_attempts(session, run_id, entries)
    levels = [entry.level for entry in entries]
    counts = {
        "run": run_id,
        "count": len(entries),
        **{level.value: levels.count(level) for level in LogLevel},
    }
    columns = {
        "levels": levels,
        "messages": [entry.message for entry in entries],
        "data": data,
        "timestamps": [entry.timestamp or now for entry in entries],
        "steps": [entry.node_execution_id for entry in entries],
        "attempts": [
            attempts.get(entry.node_execution_id) if entry.attempt is None else entry.attempt for entry in entries
        ],
    }
    if len(entries) < COPIED:
        last: int = (await session.execute(_APPEND, counts | columns)).scalar_one()
    else:
        last = (await session.execute(_TAKE_SEQUENCES, counts)).scalar_one()
        sequences = range(last - len(entries) + 1, last + 1)
        rows = zip(repeat(run_id), sequences, *columns.values())
        await copy_rows(session, "execution_logs", _COLUMNS, rows)
    touch(session, run_id)
    return Appended(last - len(entries) + 1, last)


COPIED: Final = 250
"""From so many entries on to copy them takes less than to insert them, although it is a statement more."""

_COLUMNS: Final = (
    "workflow_execution_id",
    "sequence",
    "level",
    "message",
    "data",
    "timestamp",
    "node_execution_id",
    "attempt",
)

# The counter row is locked until the end of the transaction that writes: commit order is sequence order.
_TAKE = """
    UPDATE execution_counters SET
        last_sequence = last_sequence + :count,
        debug_count = debug_count + :debug,
        info_count = info_count + :info,
        warning_count = warning_count + :warning,
        error_count = error_count + :error,
        last_append_at = clock_timestamp(),
        last_report_at = clock_timestamp()
    WHERE workflow_execution_id = :run
    RETURNING last_sequence
"""
_TAKE_SEQUENCES = text(_TAKE)
_APPEND = text(
    f"""
    WITH counter AS ({_TAKE}), appended AS (
        INSERT INTO execution_logs ({", ".join(_COLUMNS)})
        SELECT :run, counter.last_sequence - :count + place, level, message, CAST(data AS jsonb), timestamp,
            node_execution_id, attempt
        FROM counter, unnest(CAST(:levels AS text[]), CAST(:messages AS text[]), CAST(:data AS text[]),
            CAST(:timestamps AS timestamptz[]), CAST(:steps AS uuid[]), CAST(:attempts AS integer[]))
            WITH ORDINALITY AS entry (level, message, data, timestamp, node_execution_id, attempt, place)
    )
    SELECT last_sequence FROM counter
    """  # noqa: S608 - names that stand above
)


def _check(entries: Sequence[NewEntry], now: datetime) -> list[str | None]:
    """Refuse what is not acceptable; give the entries' data as it is written."""
    check_batch(entries, "entries")
    size, latest = 0, now + MAX_CLOCK_SKEW
    written: list[str | None] = []
    for place, entry in enumerate(entries):
        message, data = entry.message, entry.data
        try:
            if is_plain_message(message):
                size += len(message)
            else:
                check_message(message, "message")
                size += len(message.encode())
            if data is not None:
                data = checked_json(data, "data")
            if entry.timestamp is not None and entry.timestamp > latest:
                check_timestamp(entry.timestamp, "timestamp", now=now)
            if entry.attempt is not None:
                check_integer(entry.attempt, "attempt", at_least=1)
                if entry.node_execution_id is None:
                    raise InvalidInputError("attempt", "needs a step")
        except InvalidInputError as error:
            raise error.within(f"entries[{place}]") from None
        if data is not None:
            size += len(data)
            data = data.decode()
        written.append(data)
    if size > MAX_BATCH_BYTES:
        raise InvalidInputError("entries", f"hold {size} bytes; at most {MAX_BATCH_BYTES} are allowed")
    return written


async def _present_attempts(session: Transaction, run_id: UUID, entries: Sequence[NewEntry]) -> dict[UUID | None, int]:
    """The number of the present try of each step that is named; refuse a step of another run."""
    asked = {entry.node_execution_id for entry in entries if entry.node_execution_id is not None}
    if not asked:
        return {}
    rows = await session.execute(_RETRIES, {"run": run_id, "ids": list(asked)})
    attempts: dict[UUID | None, int] = {id_: retries + 1 for id_, retries in rows}
    for place, entry in enumerate(entries):
        if entry.node_execution_id is not None and entry.node_execution_id not in attempts:
            raise InvalidInputError(
                f"entries[{place}].node_execution_id", f"{entry.node_execution_id} is no step of this run"
            )
    return attempts


_step = NodeExecution.__table__
_RETRIES = select(_step.c.id, _step.c.retry_count).where(
    _step.c.workflow_execution_id == bindparam("run"), _step.c.id == any_(bindparam("ids", type_=ARRAY(Uuid())))
)
