"""The load: `wrk` on a core of its own."""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CONNECTIONS = 4
LOAD_CORE = "1"


class Load(NamedTuple):
    """What was answered."""

    requests: int
    per_second: float


def load(url: str, headers: Mapping[str, str], script: Sequence[str], seconds: int) -> Load:
    """Ask without a pause.

    Args:
        url: of what the script says nothing else of.
        headers: of all requests.
        script: lines of Lua that say what is asked.
        seconds: how long.

    Raises:
        RuntimeError: something was answered with another status than 200.
    """
    lines = [*(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()), *script]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write("\n".join(lines))
        file.flush()
        command = ["taskset", "--cpu-list", LOAD_CORE, "wrk", "--threads", "1", "--connections", str(CONNECTIONS)]
        command += ["--duration", f"{seconds}s", "--script", file.name, url]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
    requests, rate = re.search(r"([0-9]+) requests in", printed), re.search(r"Requests/sec:\s*([0-9.]+)", printed)
    if "Non-2xx" in printed or requests is None or rate is None:
        raise RuntimeError(f"{url}: {printed}")
    return Load(int(requests[1]), float(rate[1]))
