"""The shape of a definition: which order its dependencies allow."""

from collections.abc import Hashable, Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from db.errors import InvalidInputError

K = TypeVar("K", bound=Hashable)


def dependency_order(nodes: Sequence[K], edges: Iterable[Sequence[K]], *, field: str) -> list[K]:
    """Order `nodes` so that each comes after all it depends on; otherwise they keep their order.

    Args:
        nodes: all nodes.
        edges: pairs of a source and the target that depends on it.
        field: the path to name when it cannot be done.

    Raises:
        InvalidInputError: there is a cycle; the message names it.
    """
    position = {node: place for place, node in enumerate(nodes)}
    sorter = TopologicalSorter(dict.fromkeys(nodes, ()))
    for source, target in edges:
        sorter.add(target, source)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " -> ".join(str(node) for node in error.args[1])
        raise InvalidInputError(field, f"The dependencies form a cycle: {cycle}") from error
    ordered: list[K] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda node: position[node])
        ordered.extend(ready)
        sorter.done(*ready)
    return ordered


def check_acyclic(edges: Sequence[Sequence[K]], *, field: str) -> None:
    """Raise `InvalidInputError` if the edges form a cycle."""
    dependency_order(list(dict.fromkeys(node for edge in edges for node in edge)), edges, field=field)
