"""Serving: ours beside FastAPI, LitServe, BentoML, MLServer and Triton, and beside what the machine can do.

python -m benchmarks.serving                                        (an hour; the first time 40 more minutes)
python -m benchmarks.serving --servers ours FastAPI --rounds 2      (a look, once their settings are found)
python -m benchmarks.serving --only-tune --servers LitServe         (which settings suit a peer)

It needs wrk, Linux, and some 10 GiB of disk and of memory for all servers at once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from model.greeting import filtered

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
with filtered():
    from benchmarks.arguments import at_least
    from benchmarks.serving import tuning
    from benchmarks.serving.bundle import models_folder, version_of
    from benchmarks.serving.candidates import CANDIDATES, Candidate, Variant
    from benchmarks.serving.entrant import Entrant
    from benchmarks.serving.folder import made
    from benchmarks.serving.load import wrk_binary
    from benchmarks.serving.machine import conditions, description
    from benchmarks.serving.pictures import NAMES
    from benchmarks.serving.questions import Questions
    from benchmarks.serving.run import Run, usual_of
    from benchmarks.serving.tables import as_data, print_all


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [candidate.name for candidate in CANDIDATES]
    parser.add_argument(
        "--servers",
        nargs="+",
        choices=names,
        default=names,
        metavar="NAME",
        help=f"which, the first one being the measure; of {', '.join(map(repr, names))}: --servers ours FastAPI",
    )
    parser.add_argument(
        "--pictures",
        nargs="+",
        choices=NAMES,
        default=list(NAMES),
        metavar="SIZE",
        help=f"which sizes, of {', '.join(NAMES)}: --pictures 640x480 mix",
    )
    parser.add_argument(
        "--side", type=at_least(16), default=128, help="pixels a side of what the network takes: --side 64"
    )
    parser.add_argument("--rounds", type=at_least(1), default=5, help="turns of each server: --rounds 7")
    parser.add_argument("--seconds", type=float, default=2, help="of load, each time: --seconds 4")
    parser.add_argument("--starts", type=at_least(1), default=3, help="how often each is started: --starts 5")
    parser.add_argument("--tune", action="store_true", help="find the peers' settings anew, kept ones or not: --tune")
    parser.add_argument("--only-tune", action="store_true", help="find them and end: --only-tune")
    parser.add_argument("--tune-seconds", type=float, default=3, help="of load in each trial: --tune-seconds 5")
    parser.add_argument("--out", type=Path, help="write everything as JSON, too: --out serving.json")
    return parser


def settings_of_peers(
    candidates: Sequence[Candidate],
    given: argparse.Namespace,
    models: Path,
    questions: Questions,
    machine: Mapping[str, object],
) -> Mapping[str, tuning.Tuned]:
    """The settings that suit each peer on this machine; tried if that has not been done."""
    file = made() / f"tuned-{given.side}px-{conditions(machine)}.json"
    kept = tuning.read(file)
    for candidate in candidates:
        if len(candidate.variants) > 1 and (given.tune or candidate.name not in kept):
            print(f"tuning {candidate.name}", flush=True)
            try:
                kept[candidate.name] = tuning.tune(
                    candidate,
                    models=models,
                    saved_model=version_of(models),
                    questions=questions,
                    size=usual_of(given.pictures),
                    seconds=given.tune_seconds,
                )
            except RuntimeError as error:
                print(f"  {error}", flush=True)
                kept.pop(candidate.name, None)
                continue
            tuning.write(file, kept)
    return {candidate.name: kept[candidate.name] for candidate in candidates if candidate.name in kept}


def entrants_of(candidates: Sequence[Candidate], tuned: Mapping[str, tuning.Tuned]) -> list[Entrant]:
    """Each server at its best with many clients; and beside it the way that is best with one, if that is another."""
    entrants = []
    for candidate in candidates:
        found = tuned.get(candidate.name)
        if found is None:
            nothing_works = len(candidate.variants) > 1
            left_out = "no way to run it works, see what tuning said" if nothing_works else None
            entrants.append(Entrant(candidate, candidate.variants[0], left_out=left_out))
            continue
        variants: dict[str, Variant] = {variant.name: variant for variant in candidate.variants}
        entrants.append(Entrant(candidate, variants[found.throughput]))
        if found.latency != found.throughput:
            entrants.append(Entrant(candidate, variants[found.latency], only_one_client=True))
    return entrants


def main() -> None:
    """Measures and prints."""
    given = arguments().parse_args()
    try:
        wrk_binary()
    except FileNotFoundError as error:
        sys.exit(str(error))
    for number in (signal.SIGTERM, signal.SIGHUP):  # or stopped servers would stay for ever
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # so that all servers are ended
    machine = description()
    candidates = sorted(
        (candidate for candidate in CANDIDATES if candidate.name in given.servers),
        key=lambda candidate: given.servers.index(candidate.name),
    )
    models = models_folder(given.side)
    questions = Questions(given.pictures, version_of(models))
    tuned = settings_of_peers(candidates, given, models, questions, machine)
    if given.only_tune:
        return
    run = Run(entrants_of(candidates, tuned), models, version_of(models), questions, given.pictures, given.seconds)
    try:
        run.measure(rounds=given.rounds, starts=given.starts)
    finally:  # what was measured until something failed or Ctrl-C is not lost
        if given.out and any(entrant.loads for entrant in run.entrants):
            given.out.write_text(json.dumps(as_data(run, machine=machine, tuned=tuned), indent=1), encoding="utf-8")
            print(f"\nwritten to {given.out}")
        print_all(run)


if __name__ == "__main__":
    main()
