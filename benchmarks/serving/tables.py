"""What was measured, as tables for people and as data for programs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmarks.serving.best_peers import print_best_peers
from benchmarks.serving.entrant import Entrant
from benchmarks.serving.figures import cpu, p50, p99, rate
from benchmarks.serving.ratios import median_ratio
from benchmarks.serving.run import CLIENTS, MANY, Run, usual_of
from benchmarks.serving.tuning import Tuned


def print_all(run: Run) -> None:
    """All tables; ratios are to the first server, medians of each round's."""
    timed = [entrant for entrant in run.entrants if entrant.loads]
    shown = [entrant for entrant in timed if not entrant.only_one_client]
    for entrant in run.entrants:
        if entrant.left_out:
            print(f"\n{entrant.name} is not timed: {entrant.left_out}")
    if not shown:
        return
    usual = usual_of(run.sizes)
    for size in run.sizes:
        print(f"\nRequests/s at {MANY} clients, {size}")
        for entrant in shown:
            print(_line(entrant, shown[0], size, MANY, {"": (rate, "9.0f")}))
    for clients in CLIENTS:
        print(f"\nLatency at {clients} clients, {usual}, ms")
        for entrant in timed if clients == 1 else shown:
            print(_line(entrant, shown[0], usual, clients, {"p50 ": (p50, "8.1f"), "p99 ": (p99, "8.1f")}))
    print(f"\nCPU milliseconds a request at {MANY} clients, {usual}")
    for entrant in shown:
        print(_line(entrant, shown[0], usual, MANY, {"": (cpu, "9.2f")}))
    print_best_peers(run)
    print("\nOf each server: peak memory, seconds from start to first answer, share of a CPU when idle, wrong answers")
    for entrant in shown:
        starts = statistics.median(entrant.first_answer_s)
        failed = sum(one.failed for loads in entrant.loads.values() for one in loads)
        print(
            f"  {entrant.name:<24}{entrant.peak_memory_bytes / 2**20:7.0f} MiB{starts:8.1f} s{entrant.idle_cpu:8.2%}"
            f"{failed:5d}   probabilities differ by at most {entrant.difference:.1g}; {entrant.variant.name}"
        )
    print(f"  TensorFlow imported, model loaded, called once: {statistics.median(run.bare_start_s):.1f} s")
    first = ", ".join(
        f"{entrant.name} {entrant.first_answer_s[0]:.1f} s" for entrant in shown if entrant.first_answer_s
    )
    print(f"  The first of the starts, when ours has no backend chosen yet: {first}")
    _print_ceilings(run, shown)
    client = max(one.client_cpu_s_per_request for entrant in shown for loads in entrant.loads.values() for one in loads)
    typical = 1000 * shown[0].median(usual, MANY, lambda load: load.client_cpu_s_per_request)
    print(
        f"\nwrk itself: {typical:.2f} CPU ms a request at {MANY} clients, {usual}; {1000 * client:.1f} at most anywhere"
    )


def _line(entrant: Entrant, first: Entrant, size: str, clients: int, columns: Mapping[str, tuple]) -> str:
    text = f"  {entrant.name:<34}"
    for title, (of, form) in columns.items():
        ratio = median_ratio(entrant.values(size, clients, of), first.values(size, clients, of))
        text += f"{title}{entrant.median(size, clients, of):{form}} {ratio:5.2f} x   "
    return text.rstrip()


def steps(run: Run) -> dict[str, list[float]]:
    """CPU seconds a request of each step alone, for each round; `infer` is the cheaper of the two ways to call it."""
    size = usual_of(run.sizes)
    empty = run.empty.values(size, MANY, lambda load: load.cpu_s_per_request)
    return {
        "HTTP": empty,
        "parse": [one["parse"]["cpu_s"] for one in run.ceilings],
        "decode": [one["decode"]["cpu_s"] for one in run.ceilings],
        "infer": [min(one["signature"]["cpu_s"], one["service runtime"]["cpu_s"]) for one in run.ceilings],
        "respond": [one["respond"]["cpu_s"] for one in run.ceilings],
    }


def _print_ceilings(run: Run, shown: Sequence[Entrant]) -> None:
    if not run.ceilings:
        return
    size = usual_of(run.sizes)
    print(f"\nCeilings in one process, {size}")
    for name in ("signature", "service runtime", "OpenVINO"):
        per_s = statistics.median(one[name]["per_s"] for one in run.ceilings)
        batch = statistics.median_low([int(one[name]["batch"]) for one in run.ceilings])
        print(f"  {name:<18} {per_s:9.0f} pictures/s, decoded already, in batches of {batch}")
    runtime, openvino = ([one[name]["per_s"] for one in run.ceilings] for name in ("service runtime", "OpenVINO"))
    print(f"  what the service calls: {median_ratio(runtime, openvino):.2f} x OpenVINO by itself")
    found = steps(run)
    if not all(found.values()):
        return
    # A run that was broken off has a load more of HTTP than it has ceilings.
    sums = [sum(round_) for round_ in zip(*found.values(), strict=False)]
    said = ", ".join(f"{name} {1000 * statistics.median(values):.2f}" for name, values in found.items())
    print(f"  CPU milliseconds a request, each step alone: {said}; sum {1000 * statistics.median(sums):.2f}")
    for entrant in shown:
        used = entrant.values(size, MANY, lambda load: load.cpu_s_per_request)
        print(f"  {entrant.name:<24} CPU seconds a request: {median_ratio(used, sums):5.2f} x the sum")


def as_data(run: Run, *, machine: Mapping[str, object], tuned: Mapping[str, Tuned]) -> dict[str, object]:
    """Everything that was measured, of each round."""
    return {
        "machine": dict(machine),
        "seconds": run.seconds,
        "tuned": {name: asdict(one) for name, one in tuned.items()},
        "bare_start_s": run.bare_start_s,
        "ceilings": run.ceilings,
        "steps_cpu_s": steps(run),
        "servers": {entrant.name: _of_entrant(entrant) for entrant in [*run.entrants, run.empty]},
    }


def _of_entrant(entrant: Entrant) -> dict[str, object]:
    loads: dict[str, dict[str, list[dict[str, float]]]] = {}
    for (size, clients), found in entrant.loads.items():
        loads.setdefault(size, {})[str(clients)] = [
            {
                "requests_per_s": one.requests_per_s,
                "p50_ms": one.quantile_ms(50),
                "p99_ms": one.quantile_ms(99),
                "cpu_s_per_request": one.cpu_s_per_request,
                "client_cpu_s_per_request": one.client_cpu_s_per_request,
                "failed": one.failed,
            }
            for one in found
        ]
    return {
        "variant": entrant.variant.name,
        "left_out": entrant.left_out,
        "difference": _number(entrant.difference),
        "first_answer_s": entrant.first_answer_s,
        "idle_cpu": _number(entrant.idle_cpu),
        "peak_memory_bytes": entrant.peak_memory_bytes,
        "loads": loads,
    }


def _number(value: float) -> float | None:
    return value if value == value else None  # JSON has no "not a number"
