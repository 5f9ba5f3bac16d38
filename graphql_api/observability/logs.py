"""Structured logs: one line for each entry, as JSON or for human eyes, with the id of the request it belongs to."""

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from db.secrets import Secrets
from graphql_api.observability.exceptions import told
from graphql_api.observability.request_id import REQUEST_ID


class LogFormat(StrEnum):
    """How a line of the log is written."""

    TEXT = "text"
    JSON = "json"


class LogThreshold(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
"""What every record has; the rest are the fields that its logger gave as `extra`."""


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a record's logger gave besides the message."""
    return {name: value for name, value in record.__dict__.items() if name not in _OWN}


class _Masked(logging.Formatter):
    """Keeps secrets out of the log, wherever they come from: messages, fields and exceptions are masked."""

    def __init__(self, secrets: Secrets | None = None) -> None:
        super().__init__()
        self.secrets = secrets or Secrets()

    def message(self, record: logging.LogRecord) -> str:
        """The message of a record."""
        return self.secrets.masked_text(record.getMessage())

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """What a record's logger gave besides."""
        return {
            name: self.secrets.masked_text(value) if isinstance(value, str) else value
            for name, value in fields_of(record).items()
        }

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Write an exception."""
        error = ei[1]
        return "" if error is None else self.secrets.masked_text(told(error))


class JsonFormatter(_Masked):
    """One JSON object a line: time, level, logger, message, request_id, exception, and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; what JSON cannot hold is written as text."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.message(record),
        }
        if request_id := REQUEST_ID.get():
            entry["request_id"] = request_id
        entry |= self.fields(record)
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(entry, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:  # with a lone surrogate, which JSON can only escape, or a key of a kind that it has not
            return json.dumps(entry, default=str, skipkeys=True)


class TextFormatter(_Masked):
    """For human eyes: level, logger, message, then the request's id and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        fields = self.fields(record)
        if request_id := REQUEST_ID.get():
            fields["request_id"] = request_id
        shown = "".join(f" {name}={value}" for name, value in fields.items())
        line = f"{record.levelname} {record.name}: {self.message(record)}{shown}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logs(
    form: LogFormat = LogFormat.TEXT, threshold: LogThreshold = LogThreshold.INFO, secret_keys: Sequence[str] = ()
) -> None:
    """Send the log of the whole process to stderr in this form."""
    handler = logging.StreamHandler(sys.stderr)
    secrets = Secrets(secret_keys)
    handler.setFormatter(JsonFormatter(secrets) if form is LogFormat.JSON else TextFormatter(secrets))
    logging.basicConfig(level=threshold.upper(), handlers=[handler], force=True)
    for noisy in ("alembic", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
