"""Callers who ask again and again, and what became of each of their requests."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

# A connection that was refused, or ended before the request was on its way: nobody has accepted anything.
REFUSED = "refused"
# A request that was sent, and to which no answer came.
LOST = "lost"


class Callers:
    """Each sends its next request when it has the answer to the one before, over a connection that is kept.

    Args:
        ask: sends one request with a client and gives its response.
        number: of callers.
    """

    def __init__(self, ask: Callable[[httpx.Client], httpx.Response], number: int) -> None:
        self._ask = ask
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(number)]
        # Statuses as numbers, REFUSED, or LOST with what was said.
        self.outcomes: Counter[int | str] = Counter()
        self.versions: Counter[int] = Counter()
        # Ids of requests that were lost, by which the service's log can tell whether it ever saw them.
        self.lost: list[str] = []

    @contextmanager
    def calling(self) -> Iterator[Callers]:
        """They call as long as the context lasts."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._ending.set()
            for thread in self._threads:
                thread.join(120)

    def wait_for_answers(self, number: int, *, within_s: float = 120) -> None:
        """Waits until so many more requests are answered with 200."""
        until = time.monotonic() + within_s
        wanted = self.outcomes[200] + number
        while self.outcomes[200] < wanted:
            assert time.monotonic() < until, f"too few answers within {within_s:g} s: {self}"
            time.sleep(0.05)

    def _call(self) -> None:
        with httpx.Client(timeout=60) as client:
            while not self._ending.is_set():
                outcome: int | str
                version = None
                identifier = uuid.uuid4().hex
                client.headers["X-Request-ID"] = identifier
                try:
                    response = self._ask(client)
                    outcome = response.status_code
                    version = response.json()["model"]["version"] if outcome == 200 else None
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    outcome = REFUSED
                    time.sleep(0.05)
                except httpx.HTTPError as error:
                    outcome = f"{LOST}: {type(error).__name__}: {error}"
                    self.lost.append(identifier)
                with self._lock:
                    self.outcomes[outcome] += 1
                    if version is not None:
                        self.versions[version] += 1

    def __str__(self) -> str:
        return f"{dict(self.outcomes)}, versions {dict(self.versions)}"
