"""How tables that grow to millions of rows are vacuumed: before a fifth of them is dead."""

from typing import Any, Final

BUSY: Final = {"autovacuum_vacuum_scale_factor": 0.02}
"""Rows that change now and then, and go with old runs."""
GROWING: Final = {**BUSY, "autovacuum_analyze_scale_factor": 0.02}
"""The same, and read in many ways: the planner has to know how they are distributed."""
APPENDED: Final = {
    "autovacuum_vacuum_scale_factor": 0.01,
    "autovacuum_vacuum_insert_scale_factor": 0.05,
    "autovacuum_analyze_scale_factor": 0.02,
}
"""Rows that never change: what makes work for a vacuum is that they came, and that the oldest went."""
COUNTERS: Final = {"fillfactor": 70, **BUSY, "autovacuum_vacuum_cost_delay": 0}
"""Rows that every report changes, in place where there is room in their page."""


def storage(parameters: dict[str, float]) -> dict[str, Any]:
    """The last of a model's `__table_args__`."""
    return {"postgresql_with": parameters}
