"""The generated rows, run by run, as lines of COPY's text format. No value holds a tab or a backslash."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import NamedTuple

from benchmarks.copy_text import COLUMNS, NULL, Rows, line
from benchmarks.entries import Entries
from benchmarks.sizes import Sizes
from benchmarks.texts import ARCHIVE, ERROR_TAIL, ERRORS, NAMESPACES, RARE, REGIONS, STEP_NAMES

NEVER_ENDED = {"pending", "running"}


class Definition(NamedTuple):
    """A workflow."""

    id: str
    namespace: str
    nodes: Sequence[str]


class Step(NamedTuple):
    """What a step's entries need to know of it."""

    id: str
    attempt: int


class Generator:
    """Makes the same rows for the same sizes."""

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._random = Random(sizes.seed)  # noqa: S311 - data, no secret
        self._began = sizes.until - timedelta(days=sizes.days)
        self._definitions: list[Definition] = []
        self._entries = Entries()
        self._last_failed = NULL
        self._last_step = NULL

    def definitions(self) -> Rows:
        """The workflows, of ten nodes in a row each; the first one has half of all runs."""
        rows: Rows = {"workflows": [], "nodes": [], "edges": []}
        for place in range(self._sizes.workflows):
            id_ = self._id(self._began)
            name = (RARE, ARCHIVE)[place - 1] if place in (1, 2) else f"workflow {place}"
            namespace = ARCHIVE if name == ARCHIVE else NAMESPACES[place % len(NAMESPACES)]
            nodes = [self._id(self._began) for _ in STEP_NAMES]
            self._definitions.append(Definition(id_, namespace, nodes))
            rows["workflows"].append(line(id_, namespace, f"key-{place}", 1, name, self._began, self._began))
            for node, step_name in zip(nodes, STEP_NAMES, strict=True):
                retries = '{"max_retries": 3, "delay": 1}'
                rows["nodes"].append(line(node, id_, 1, step_name, step_name, "python", '{"image": "job:1"}', retries))
            rows["edges"].extend(line(*pair) for pair in pairwise(nodes))
        return rows

    def runs(self) -> Iterator[Rows]:
        """Each run with all that belongs to it, in the order in which they were created."""
        sizes, random = self._sizes, self._random
        steps = shares(random, sizes.steps - sizes.widest_run, sizes.runs - 1)
        entries = shares(random, sizes.entries - sizes.longest_log, sizes.runs - 1)
        every = timedelta(days=sizes.days) / sizes.runs
        for place in range(sizes.runs):
            created = self._began + every * (place + random.random())
            yield self._run(
                place,
                created,
                sizes.widest_run if place == sizes.wide_run else next(steps),
                sizes.longest_log if place == sizes.long_run else next(entries),
            )

    def _run(self, place: int, created: datetime, steps: int, entries: int) -> Rows:
        random = self._random
        status = self._status(place)
        definition = self._definitions[self._workflow(place)]
        id_ = self._id(created)
        started = None if status == "pending" else created + timedelta(seconds=random.random() * 3)
        seconds = random.lognormvariate(4, 1.2)
        ended = None if started is None or status in NEVER_ENDED else started + timedelta(seconds=seconds)
        last = started + timedelta(seconds=seconds) if started else created
        number = random.randrange(100_000)
        error = self._error() if status == "failed" else NULL
        trigger = random.choices(("schedule", "event", "manual"), (70, 25, 5))[0]
        region = REGIONS[number % 3]
        metadata = f'{{"customer": "c{number % 5000}", "region": "{region}", "tags": ["nightly", "v{number % 20}"]}}'
        revision = 2 * steps + 3
        rows: Rows = {table: [] for table in COLUMNS}
        rows["workflow_executions"].append(
            line(
                *(id_, definition.id, 1, definition.namespace),
                self._last_failed if random.random() < 0.01 else NULL,
                self._last_step if random.random() < 0.02 else NULL,
                trigger,
                f'{{"order": {number}, "region": "{region}"}}',
                f'{{"rows": {number * 7}}}' if status == "completed" else NULL,
                '{"engine": "worker-3"}',
                metadata,
                *(status, error, revision, created, last, started, ended, ended or started),
            )
        )
        made = self._steps(rows, definition, id_, status, created, started, last, steps)
        failing = status == "failed" or place == self._sizes.long_run or any(step.attempt > 1 for step in made)
        counts = self._entries.add(rows["execution_logs"], id_, made, created, last, entries, failing=failing)
        rows["execution_counters"].append(line(id_, revision, entries, *counts, last, last))
        if status == "failed":
            self._last_failed = id_
        return rows

    def _steps(
        self,
        rows: Rows,
        definition: Definition,
        run: str,
        status: str,
        created: datetime,
        started: datetime | None,
        last: datetime,
        count: int,
    ) -> list[Step]:
        made: list[Step] = []
        each = (last - started) / count if started else timedelta()
        for place in range(count):
            id_ = self._id(created)
            own = status if place == count - 1 or started is None else "completed"
            began = None if started is None else started + each * place
            ended = None if began is None or own in NEVER_ENDED else began + each
            retries = int(began is not None and self._random.random() < 0.01)
            first = began + each / 2 if began is not None and retries else began  # when the present try began
            error = self._error() if own == "failed" else NULL
            node = definition.nodes[place] if place < len(definition.nodes) else NULL
            times = (created, ended or first or created, first, ended, ended or first)
            rows["node_executions"].append(
                line(
                    *(id_, run, node, made[0].id if made and node == NULL else NULL, f"step-{place}"),
                    NULL if node != NULL else f"part {place}",
                    *(place, retries, f'{{"part": {place}}}', NULL if own != "completed" else '{"ok": true}'),
                    *(own, error, 2 * place + 3, *times),
                )
            )
            if began is not None:
                if retries:
                    row = line(id_, 1, "failed", began, first, "Lost the connection")
                    rows["node_execution_attempts"].append(row)
                rows["node_execution_attempts"].append(line(id_, retries + 1, own, first, ended, error))
            made.append(Step(id_, retries + 1))
        self._last_step = made[0].id
        return made

    def _status(self, place: int) -> str:
        """Nearly all runs have ended; the newest few have not."""
        open_ = max(4, self._sizes.runs // 2000)
        if place in (self._sizes.long_run, self._sizes.wide_run):
            return "completed"
        if place >= self._sizes.runs - open_:
            return "pending" if place >= self._sizes.runs - open_ // 4 else "running"
        return self._random.choices(("completed", "failed", "cancelled"), (90, 7, 3))[0]

    def _workflow(self, place: int) -> int:
        """Half of the runs are of the first workflow, a few of the second, the third stopped after a month."""
        if place % 2 == 0:
            return 0
        if place % (self._sizes.runs // 5 | 1) == 0:
            return 1
        if place < self._sizes.runs // 12 and self._random.random() < 0.1:
            return 2
        return self._random.randrange(3, self._sizes.workflows) if self._sizes.workflows > 3 else 0

    def _error(self) -> str:
        random = self._random
        text = random.choice(ERRORS) + (ERROR_TAIL if random.random() < 0.5 else "")
        return text.format(n=random.randrange(100_000), m=random.randrange(1000))

    def _id(self, at: datetime) -> str:
        """A version 7 UUID."""
        bits = self._random.getrandbits(74)
        milliseconds = int(at.timestamp() * 1000)
        return f"{milliseconds:012x}7{bits >> 62:03x}{1 << 63 | bits & (1 << 62) - 1:016x}"


def shares(random: Random, total: int, parts: int) -> Iterator[int]:
    """Deal out `total` in parts of about the same size, give or take half of it, which add up."""
    average = total / parts
    given = 0
    for place in range(1, parts + 1):
        upto = total if place == parts else int(place * average + random.random() * average / 2)
        yield upto - given
        given = upto
