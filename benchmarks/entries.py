"""The generated log entries: ten million of them, so with little work for each."""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any

from benchmarks.texts import ERRORS, MESSAGES

LEVELS = ("debug", "info", "warning", "error")
PERIOD = 9973
"""Levels and messages repeat after so many entries."""


class Entries:
    """Writes the entries of runs."""

    def __init__(self) -> None:
        random = Random(7)  # noqa: S311 - data, no secret
        self._written = 0
        levels = random.choices((0, 1, 2), (20, 72, 8), k=PERIOD)
        numbers = [(random.randrange(100_000), random.randrange(1000)) for _ in range(PERIOD)]
        self._texts = [
            (level, self._text(random.choice(MESSAGES), n, m)) for level, (n, m) in zip(levels, numbers, strict=True)
        ]
        self._errors = [self._text(random.choice(ERRORS), n, m) for n, m in numbers[:97]]

    @staticmethod
    def _text(message: str, n: int, m: int) -> str:
        data = f'{{"rows": {n}, "ms": {m}}}' if m % 5 == 0 else r"\N"
        return f"{message.format(n=n, m=m)}\t{data}"

    def add(
        self,
        rows: list[str],
        run: str,
        steps: Sequence[Any],
        began: datetime,
        ended: datetime,
        count: int,
        *,
        failing: bool,
    ) -> list[int]:
        """Write the entries of a run, spread over its steps and its time; give the number of each level.

        A run that is `failing` has an error every thousand entries, and one at its end.
        """
        counts = [0, 0, 0, 0]
        texts, errors, place = self._texts, self._errors, self._written
        seconds = (ended - began).total_seconds()
        each, start = seconds / count, began.timestamp()
        many = len(steps)
        owner, owned = "", -1
        for sequence in range(1, count + 1):
            if (at := (sequence - 1) * many // count) != owned:
                owned = at
                owner = f"{steps[at].id}\t{steps[at].attempt}"
            if failing and (sequence == count or sequence % 1000 == 0):
                level, text = 3, errors[sequence % 97]
            else:
                level, text = texts[(place + sequence) % PERIOD]
            counts[level] += 1
            # As COPY reads it fastest: an instant by its Unix time would need a conversion.
            instant = datetime.fromtimestamp(start + each * sequence, tz=began.tzinfo)
            rows.append(f"{run}\t{sequence}\t{owner}\t{LEVELS[level]}\t{text}\t{instant}")
        self._written += count
        return counts
