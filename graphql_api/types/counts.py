"""Counts of entries and steps."""

import strawberry


@strawberry.type
class LogCounts:
    """How many log entries there are of each level."""

    total: int
    debug: int
    info: int
    warning: int
    error: int


@strawberry.type
class NodeStatusCounts:
    """How many steps there are in each status."""

    total: int
    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int
    skipped: int
