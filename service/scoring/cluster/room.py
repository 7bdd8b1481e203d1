"""How many actors a cluster has room for, and how many CPUs each of them gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model.errors import ClusterError
from service.threads import CPUS_A_CALL


@dataclass(frozen=True)
class Pool:
    """Actors.

    Args:
        actors: how many.
        cpus: of each of them.
    """

    actors: int
    cpus: int


def pool_for(nodes: Sequence[int], *, actors: int | None, cpus: int | None) -> Pool:
    """As many actors as there is room for, each with as many CPUs as a call of a model keeps busy.

    Args:
        nodes: the CPUs of each node.
        actors: if so many are wanted; the CPUs are divided among them then.
        cpus: if each is to have so many.

    Raises:
        ClusterError: if there is no room for what is wanted.
    """
    largest = max(nodes, default=0)
    if cpus is None:
        wanted = 1 if actors is None else actors
        sizes = range(min(CPUS_A_CALL, largest), 0, -1)
        cpus = next((size for size in sizes if _room(nodes, size) >= wanted), 1)
    room = _room(nodes, cpus)
    if room < (actors or 1):
        what = f"{actors or 1} {'actor' if (actors or 1) == 1 else 'actors'} of {cpus} {'CPU' if cpus == 1 else 'CPUs'}"
        raise ClusterError(
            f"The Ray cluster has no room for {what}{' each' if (actors or 1) > 1 else ''}: its nodes have "
            f"{', '.join(map(str, nodes)) or 'no'} CPUs. Ask for less with --ray-actors or --ray-cpus."
        )
    return Pool(room if actors is None else actors, cpus)


def _room(nodes: Sequence[int], cpus: int) -> int:
    return sum(node // cpus for node in nodes)
