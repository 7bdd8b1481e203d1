"""What explanations cost a running service, and those who only ask for predictions; with the model's own examples.

python -m benchmarks.explanation_time --url http://127.0.0.1:8000
"""

from __future__ import annotations

import argparse
import base64
import itertools
import multiprocessing
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any

import httpx

TURNS = 100
WARM_UP = 10
ROUNDS = 3
SECONDS = 5.0
CLIENTS = 8
REFUSED_S = 0.05  # a client that asked again at once would measure refusals


@dataclass
class Answers:
    """What came of requests that were sent one after another.

    Args:
        seconds: of each right answer.
        statuses: how many answers had which.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def quantile_ms(self, percent: int) -> float:
        """Milliseconds within which so many of the right answers came."""
        return 1000 * statistics.quantiles(self.seconds, n=100)[percent - 1]

    def forget(self) -> None:
        """Starts anew: what came first was slower."""
        self.seconds.clear()
        self.statuses.clear()

    def __str__(self) -> str:
        counts = ", ".join(f"{count} of status {status}" for status, count in sorted(self.statuses.items()))
        if len(self.seconds) < 2:
            return counts
        return f"p50 {self.quantile_ms(50):.1f} ms, p95 {self.quantile_ms(95):.1f} ms ({counts})"


@dataclass(frozen=True)
class Asking:
    """Requests to one model.

    Args:
        url: of the service.
        model: its name.
        examples: as `/models/{name}/examples` has them; asked about in turn.
    """

    url: str
    model: str
    examples: Sequence[Mapping[str, Any]]

    def requests(self, answers: Answers, *, explain: bool) -> Iterator[None]:
        """Asks each time it is iterated."""
        query = {"model": self.model, **({"explain": "true"} if explain else {})}
        with httpx.Client(base_url=self.url, timeout=120) as client:
            for form in itertools.cycle([_form(example) for example in self.examples]):
                begun = time.perf_counter()
                answer = client.post("/predict", params=query, files=form)
                spent = time.perf_counter() - begun
                answers.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    answers.seconds.append(spent)
                else:
                    time.sleep(REFUSED_S)
                yield

    def during(self, seconds: float, *, explain: bool) -> Answers:
        """Asks for so long."""
        answers, end = Answers(), time.perf_counter() + seconds
        for _ in self.requests(answers, explain=explain):
            if time.perf_counter() > end:
                break
        return answers


def print_ratio(asking: Asking) -> None:
    """An explanation against a prediction, in turns."""
    predicted, explained = Answers(), Answers()
    turns = zip(asking.requests(predicted, explain=False), asking.requests(explained, explain=True), strict=True)
    for turn, _ in enumerate(itertools.islice(turns, WARM_UP + TURNS)):
        if turn == WARM_UP:
            predicted.forget()
            explained.forget()
    ratio = explained.quantile_ms(50) / predicted.quantile_ms(50)
    print(f"  a prediction                        {predicted}")
    print(f"  an explanation                      {explained}: {ratio:.2f} x")


def print_beside_a_flood(asking: Asking) -> None:
    """Predictions one after another, alone and beside many clients that ask for explanations, in turns."""
    alone, beside, flooding = Answers(), Answers(), Answers()
    for _ in range(ROUNDS):
        _add(alone, asking.during(SECONDS, explain=False))
        with _flood(asking, flooding):
            _add(beside, asking.during(SECONDS, explain=False))
    slower = beside.quantile_ms(50) / alone.quantile_ms(50)
    print(f"  predictions alone                   {alone}")
    print(f"  beside {CLIENTS} clients that are explained  {beside}: {slower:.2f} x")
    print(f"  what these were answered            {flooding}")


@contextmanager
def _flood(asking: Asking, answers: Answers) -> Iterator[None]:
    """Clients in processes of their own, so that they take no time from who is measured."""
    context = multiprocessing.get_context("spawn")
    told: Queue[Answers] = context.Queue()
    started = context.Barrier(CLIENTS + 1)
    clients = [context.Process(target=_client, args=(asking, told, started)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    started.wait()  # starting eight interpreters takes all CPUs for a while
    yield
    for _ in clients:
        _add(answers, told.get())
    for client in clients:
        client.join()


def _client(asking: Asking, told: Queue[Answers], started: Barrier) -> None:
    started.wait()
    told.put(asking.during(SECONDS, explain=True))


def _add(answers: Answers, others: Answers) -> None:
    answers.seconds += others.seconds
    answers.statuses += others.statuses


def _form(example: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The parts of a form, for httpx: pictures as files, texts and tags as they are typed."""
    parts: list[tuple[str, Any]] = []
    for name, value in example.items():
        if isinstance(value, str) and value.startswith("data:"):
            parts.append((name, ("picture", base64.b64decode(value.partition(",")[2]))))
        elif value is not None:
            text = ",".join(value) if isinstance(value, list) else value
            parts.append((name, (None, text.encode())))
    return parts


def main() -> None:
    """Prints the ratio of an explanation to a prediction, and what a flood of explanations does to predictions."""
    parser = argparse.ArgumentParser(description="Measures the explanations of a running service.")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the service")
    parser.add_argument("--model", action="append", help="all that bring examples if not given")
    given = parser.parse_args()
    with httpx.Client(base_url=given.url) as client:
        if client.get("/readyz").status_code != 200:
            parser.error(f"{given.url} is not ready: it loads its models, or is about to end")
        names = given.model or [one["name"] for one in client.get("/models").json()["models"]]
        for name in names:
            examples = client.get(f"/models/{name}/examples").json()["examples"]
            if not examples:
                print(f"{name}: no examples (train it with --set data.publish_examples=true)")
                continue
            print(name)
            asking = Asking(given.url, name, examples)
            print_ratio(asking)
            print_beside_a_flood(asking)


if __name__ == "__main__":
    main()
