"""Draw the ratios that `compare.py` measured, with their floors, as an SVG for the README."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import click
import orjson

WIDTH, LEFT, RIGHT, TOP, ROW, BAR = 860, 270, 60, 64, 50, 17
PEERS = {
    "PostGraphile": ("#0969da", {"large": 1.5, "small": 1.2}),
    "hand-written": ("#bf8700", {"large": 0.8, "small": 0.5, "append": 0.7}),
}
"""The colour and the floors of each peer: of large answers, of small ones and of appends."""


def peers(result: Mapping[str, Any]) -> list[str]:
    """Those that were measured; nothing but execgraph and what was written by hand appends many entries at once."""
    return [peer for peer in PEERS if peer in result["medians"]]


def ratio(result: Mapping[str, Any], peer: str) -> float:
    """How many times as many requests a second execgraph answers."""
    return float(result["medians"]["execgraph"] / result["medians"][peer])


def svg(results: Sequence[Mapping[str, Any]]) -> str:
    """The drawing."""
    longest = max(2.0, *(ratio(result, peer) for result in results for peer in peers(result)))
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = TOP + ROW * len(results) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
        'font-family="sans-serif" font-size="14">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_legend(),
        *(part for place, result in enumerate(results) for part in _row(result, TOP + ROW * place, scale)),
        f'<line x1="{LEFT + scale:.1f}" x2="{LEFT + scale:.1f}" y1="{TOP - 8}" y2="{height - 12}" stroke="#59636e"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend() -> Iterator[str]:
    yield '<text x="12" y="28" fill="#1f2328">Requests per second as a multiple of</text>'
    for place, (peer, (colour, _)) in enumerate(PEERS.items()):
        yield f'<rect x="{LEFT + 130 * place}" y="16" width="14" height="14" fill="{colour}"/>'
        yield f'<text x="{LEFT + 20 + 130 * place}" y="28" fill="#1f2328">{escape(peer)}</text>'
    yield f'<text x="{LEFT + 270}" y="28" fill="#59636e">thin mark: the floor; line: 1</text>'


def _row(result: Mapping[str, Any], top: float, scale: float) -> Iterator[str]:
    name = escape(result["question"])
    yield f'<text x="{LEFT - 10}" y="{top + BAR + 5}" text-anchor="end" fill="#1f2328">{name}</text>'
    for place, peer in enumerate(peers(result)):
        colour, floors = PEERS[peer]
        found, y = ratio(result, peer), top + (BAR + 2) * place
        floor = LEFT + floors[result["kind"]] * scale
        yield f'<rect x="{LEFT}" y="{y}" width="{found * scale:.1f}" height="{BAR}" fill="{colour}"/>'
        yield f'<rect x="{floor:.1f}" y="{y - 1}" width="2" height="{BAR + 2}" fill="#1f2328"/>'
        end = max(LEFT + found * scale, floor) + 6
        yield f'<text x="{end:.1f}" y="{y + BAR - 4}" fill="#1f2328">{found:.2f}</text>'


@click.command()
@click.argument("measured", type=click.Path(path_type=Path, exists=True), default=Path("build/peers.json"))
@click.argument("target", type=click.Path(path_type=Path), default=Path(__file__).with_name("ratios.svg"))
def main(measured: Path, target: Path) -> None:
    """Draw TARGET from MEASURED."""
    target.write_text(svg(orjson.loads(measured.read_bytes())["results"]))


if __name__ == "__main__":
    main()
