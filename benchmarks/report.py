"""The results: as a table to read, and as JSON to keep."""

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from benchmarks.measure import Measured

PACKAGES = ("asyncpg", "graphql-core", "orjson", "sqlalchemy", "strawberry-graphql", "uvicorn")
WIDTHS = "| {:53} | {:>5} | {:>7} | {:>7} | {:>7} | {:>7} | {:>5} | {:>6} |"
RULE = "|---|--:|--:|--:|--:|--:|--:|--:|"


def table(measured: Sequence[Measured]) -> str:
    """All results, one line each, in milliseconds, as a table of Markdown."""
    lines = [WIDTHS.format("milliseconds", "rows", "API p50", "p95", "SQL p50", "p95", "ratio", "target"), RULE]
    topic = ""
    for each in measured:
        if each.topic != topic:
            topic = each.topic
            lines.append(WIDTHS.format(f"**{topic}**", *[""] * 7))
        figures = (f"{value:.1f}" for value in (each.api.p50, each.api.p95, each.sql.p50, each.sql.p95, each.ratio))
        target = "" if each.target_ms is None else f"{each.target_ms:.0f}{' !' if each.is_slow else ''}"
        lines.append(WIDTHS.format(each.name, each.rows, *figures, target))
    return "\n".join(lines)


def save(target: Path, measured: Sequence[Measured], server: str, rows: dict[str, int], rounds: int) -> None:
    """Write the results with all that they depend on."""
    target.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "measured_at": datetime.now(UTC),
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain")),
        "machine": machine(),
        "postgresql": server,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "rows": rows,
        "rounds": rounds,
        "results": [each.to_json() for each in measured],
    }
    target.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def machine() -> dict[str, Any]:
    """What it ran on."""
    cpu = platform.processor()
    information = Path("/proc/cpuinfo")
    if information.exists():
        models = [
            line.partition(":")[2].strip() for line in information.read_text().splitlines() if "model name" in line
        ]
        cpu = models[0] if models else cpu
    return {"system": platform.platform(), "cpu": cpu, "cpus": os.cpu_count(), "load": os.getloadavg()}


def _git(*arguments: str) -> str | None:
    command = ["git", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    return done.stdout.strip() if done.returncode == 0 else None
