"""Which runs are kept how long, in the words of `execgraph purge`; and keeping to it while the server runs."""

import asyncio
import contextlib
import logging
import random
import re
import shlex
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Final

import click

from db.commands.purge import Purge, PurgePolicy, Removed
from db.database import Database
from db.enums import ExecutionStatus
from db.errors import PurgeUnderWayError
from db.state_machine import TERMINAL
from graphql_api.observability.metrics import PURGED_RUNS

logger = logging.getLogger("execgraph.retention")

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Age(click.ParamType[timedelta]):
    """A number and a unit: `90d`, `12h`, `2w`."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,6})([smhdw])", str(value))
        if found is None:
            self.fail(f"{value!r} is no age; write a number and s, m, h, d or w, for instance 90d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


def old_runs_options(*, required: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that say which runs are old, for `policy_of`."""
    statuses = [status.value for status in ExecutionStatus if status in TERMINAL and status.value != "skipped"]
    options = (
        click.option("--namespace", "namespaces", multiple=True, help="Only runs of this namespace. May be repeated."),
        click.option("--workflow", "workflows", multiple=True, help="Only runs of this workflow, by id or key."),
        click.option(
            "--status", "statuses", multiple=True, type=click.Choice(statuses), help="Only runs that ended so."
        ),
        click.option(
            "--older-than",
            required=required,
            type=Age(),
            help="How long ago the runs ended at least, for instance 90d.",
        ),
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in options:
            command = option(command)
        return command

    return add


def policy_of(
    older_than: timedelta | None, statuses: Sequence[str], workflows: Sequence[str], namespaces: Sequence[str]
) -> PurgePolicy | None:
    """The policy that the options say; None without `--older-than`."""
    if older_than is None:
        return None
    return PurgePolicy(
        older_than,
        tuple(ExecutionStatus(status) for status in statuses) or None,
        tuple(workflows) or None,
        tuple(namespaces) or None,
    )


@click.command(add_help_option=False)
@old_runs_options(required=True)
def _policy_command(**options: Any) -> PurgePolicy | None:
    return policy_of(**options)


def parse_policies(text: str) -> tuple[PurgePolicy, ...]:
    """Read policies as an operator writes them in a setting: options of `execgraph purge`, with `;` between policies.

    Raises:
        ValueError: what is wrong.
    """
    policies = []
    for part in filter(None, map(str.strip, text.split(";"))):
        try:
            policies.append(_policy_command(shlex.split(part), standalone_mode=False))
        except click.ClickException as error:
            raise ValueError(f"{part}: {error.format_message()}") from error
    return tuple(policies)


class Retention:
    """Purges from time to time: `async with Retention(database, policies, every):`. One process at a time does it."""

    def __init__(self, database: Database, policies: Sequence[PurgePolicy], every: timedelta) -> None:
        self._database = database
        self._policies = policies
        self._every = every
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Retention":
        if self._policies:
            self._task = asyncio.create_task(self._keep_purging())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep_purging(self) -> None:
        while True:
            for each in self._policies:
                try:
                    await self._purge(each)
                except PurgeUnderWayError:
                    logger.debug("another process is purging")
                except Exception as error:
                    logger.warning("cannot purge: %s", error)
            await asyncio.sleep(self._every.total_seconds() * random.uniform(0.9, 1.1))  # noqa: S311 - spreads tries

    async def _purge(self, each: PurgePolicy) -> None:
        total = Removed()
        async with aclosing(Purge(self._database, each).run()) as batches:
            async for removed in batches:
                total = total.plus(removed)
                PURGED_RUNS.inc(removed.runs)
        if total.runs:
            logger.info("purged old runs", extra=total._asdict())
