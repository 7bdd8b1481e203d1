"""Each of ours beside the peer that did best."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.serving.entrant import Entrant
from benchmarks.serving.figures import p50, p99, rate
from benchmarks.serving.load import Load
from benchmarks.serving.ratios import median_ratio, ratios
from benchmarks.serving.run import MANY, Run, usual_of


def print_best_peers(run: Run) -> None:
    """The median of each round's ratio, and the least and the most of a round.

    The best peer is the one with the most requests a second, or the lowest latency, by its median.
    """
    ours = [one for one in run.entrants if _is_ours(one) and one.loads]
    peers = [one for one in run.entrants if not _is_ours(one) and one.loads]
    if not ours or not peers:
        return
    usual = usual_of(run.sizes)
    asked = [("requests/s", usual, MANY, rate), ("p50", usual, 1, p50), *(("p99", one, MANY, p99) for one in run.sizes)]
    print("\nOurs to the best peer: median of each round's ratio, least and most of a round")
    for entrant in ours:
        for what, size, clients, of in asked:
            told = _told(entrant, peers, size, clients, of)
            print(f"  {entrant.name:<18}{what:<12}{size:<10}{clients:>3} clients  {told}")


def _is_ours(entrant: Entrant) -> bool:
    return entrant.name.startswith("ours")


def _told(entrant: Entrant, peers: list[Entrant], size: str, clients: int, of: Callable[[Load], float]) -> str:
    loaded = [one for one in peers if one.values(size, clients, of)]
    own = entrant.values(size, clients, of)
    if not loaded or not own:
        return "not measured"
    best = (max if of is rate else min)(loaded, key=lambda one: one.median(size, clients, of))
    theirs = best.values(size, clients, of)
    found = ratios(own, theirs) or [float("nan")]
    return f"{median_ratio(own, theirs):5.2f} x {best.name} ({min(found):.2f} to {max(found):.2f})"
