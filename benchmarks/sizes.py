"""How much there is to generate."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Sizes:
    """The rows of a database; the defaults are a busy year's."""

    runs: int = 200_000
    steps: int = 2_000_000
    entries: int = 10_000_000
    workflows: int = 200
    longest_log: int = 1_000_000
    """The entries of one run, which is one of `runs`."""
    widest_run: int = 5_000
    """The steps of one run, which is another of `runs`."""
    days: int = 365
    until: datetime = datetime(2026, 7, 1, tzinfo=UTC)
    """When the last run was created. Fixed: the same options make the same rows."""
    seed: int = 1

    def __post_init__(self) -> None:
        if self.runs < 10 or self.workflows < 3:
            raise ValueError("at least 10 runs and 3 workflows")
        if self.steps < self.runs + self.widest_run or self.entries < self.runs + self.longest_log:
            raise ValueError("every run has a step and an entry, besides those of the two large runs")

    @property
    def long_run(self) -> int:
        """The place of the run with the longest log."""
        return self.runs * 2 // 3

    @property
    def wide_run(self) -> int:
        """The place of the run with the most steps."""
        return self.runs * 3 // 4
