"""The log of one run on its way to the API: collected from any thread, sent in order and in batches."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import threading
from collections import deque
from types import TracebackType
from typing import Self

from api_errors import ApiError, InvalidInputError, JsonObject, UnreachableError
from client import Client
from documents import APPEND_LOGS, LAST_SEQUENCE

BATCH = 1_000  # entries; the API takes 10,000 or 8 MB in one call
BATCH_BYTES = 1_000_000
CAPACITY_BYTES = 64_000_000
OFFENDER = re.compile(r"entries\[(\d+)\]")


class LogQueue:
    """Sends log entries of the run `run_id`, which nobody else appends to.

    An async context manager: entering starts the sending, leaving sends what is left. Entries go out when a
    batch is full, when `interval` seconds have passed, and on `flush`. A failing server is retried with the
    client's patience; what cannot be delivered even then is counted in `lost` and told on stderr. Entries
    wait in at most `capacity` bytes of JSON; what comes when that is full is lost, too.
    """

    def __init__(
        self,
        client: Client,
        run_id: str,
        *,
        batch: int = BATCH,
        interval: float = 0.5,
        capacity: int = CAPACITY_BYTES,
    ) -> None:
        self.lost = 0
        self._client = client
        self._run_id = run_id
        self._batch = batch
        self._interval = interval
        self._capacity = capacity
        self._lock = threading.Lock()  # guards the entries and their size: `put` is called from any thread
        self._entries: deque[tuple[JsonObject, int]] = deque()
        self._bytes = 0
        self._overflowed = 0
        self._closing = False
        self._last_sequence = 0
        self._sending = asyncio.Lock()  # one batch at a time keeps the order
        self._full = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._sender = asyncio.create_task(self._send_on_time())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Asked, not cancelled: in the middle of a batch that might send it twice.
        self._closing = True
        self._full.set()
        await self._sender
        await self.flush()

    def put(self, entry: JsonObject) -> None:
        """Add a LogEntryInput. Never blocks, never raises; callable from any thread."""
        entry, size = _storable(entry)
        with self._lock:
            if self._bytes + size > self._capacity:
                self._overflowed += 1
                return
            self._entries.append((entry, size))
            self._bytes += size
            full = len(self._entries) >= self._batch or self._bytes >= BATCH_BYTES
        if full:
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody is left to send it
                self._loop.call_soon_threadsafe(self._full.set)

    async def flush(self) -> None:
        """Send everything that was put until now. Never raises: see `lost`."""
        async with self._sending:
            while batch := self._take():
                await self._deliver(batch)
            self._report_overflow()

    async def _send_on_time(self) -> None:
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._full.wait()
            self._full.clear()
            await self.flush()

    def _take(self) -> list[JsonObject]:
        taken: list[JsonObject] = []
        total = 0
        with self._lock:
            while self._entries and len(taken) < self._batch:
                entry, size = self._entries[0]
                if taken and total + size > BATCH_BYTES:
                    break
                self._entries.popleft()
                self._bytes -= size
                taken.append(entry)
                total += size
        return taken

    def _clear(self) -> int:
        with self._lock:
            count = len(self._entries)
            self._entries.clear()
            self._bytes = 0
        return count

    async def _deliver(self, batch: list[JsonObject]) -> None:
        """Append a batch, less the entries that the API will not have."""
        while batch:
            try:
                await self._append(batch)
                return
            except InvalidInputError as refusal:
                offender = OFFENDER.match(refusal.field)
                if offender is None or int(offender[1]) >= len(batch):
                    self._lose(len(batch), str(refusal))
                    return
                del batch[int(offender[1])]
                self._lose(1, str(refusal))
            except ApiError as error:
                # On leaving, patience is not spent anew on every batch that is left.
                left = self._clear() if self._closing and isinstance(error, UnreachableError) else 0
                self._lose(len(batch) + left, str(error))
                return

    async def _append(self, batch: list[JsonObject]) -> None:
        """Append a batch exactly once, also when an answer is lost: the run's last sequence tells."""
        waits = iter(self._client.patience)
        while True:
            try:
                answer = await self._client.call(
                    APPEND_LOGS, {"runId": self._run_id, "entries": batch}, resend_doubtful=False
                )
                self._last_sequence = answer["lastSequence"]
                return
            except UnreachableError as error:
                wait = next(waits, None)
                if not error.doubtful or wait is None:
                    raise
            await asyncio.sleep(wait)
            run = await self._client.call(LAST_SEQUENCE, {"id": self._run_id})
            if run and run["logs"]["lastSequence"] >= self._last_sequence + len(batch):
                self._last_sequence = run["logs"]["lastSequence"]
                return

    def _report_overflow(self) -> None:
        with self._lock:
            count, self._overflowed = self._overflowed, 0
        if count:
            self._lose(count, f"more than {self._capacity} bytes were waiting to be sent")

    def _lose(self, count: int, reason: str) -> None:
        self.lost += count
        noun = "log entry" if count == 1 else "log entries"
        print(f"{count} {noun} of run {self._run_id} lost: {reason}", file=sys.stderr, flush=True)


def _storable(entry: JsonObject) -> tuple[JsonObject, int]:
    """The entry and its size in bytes; data that is no JSON (NaN, a date) becomes its repr."""
    try:
        return entry, len(json.dumps(entry, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError):
        message = str(entry["message"]).encode(errors="replace").decode()
        entry = {**entry, "message": message, "data": {"repr": ascii(entry.get("data"))}}
        return entry, len(json.dumps(entry))
