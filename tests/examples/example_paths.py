"""Where the examples are, and the real traces, if they are there."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TRACES = ROOT.parent / "shared" / "data" / "traces"
