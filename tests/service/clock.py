"""Backends that take their time by a clock of their own, and what is chosen of them."""

from __future__ import annotations

from model.examples import Tensors
from service.backends import Answers, Backend
from service.runtime.choice import Choice, choose
from tests.service.golden_answers import AGREEMENT, EXPECTED, repeated


class Clock:
    """Stands still but for those who take their time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def backend(self, *, first_s: float, each_s: float = 0.0, answers: Answers = EXPECTED) -> Backend:
        """One whose call takes some time, and more for every example."""

        def answer(tensors: Tensors) -> Answers:
            self.now += first_s + each_s * len(tensors["text"])
            return repeated(answers, tensors)

        return answer


def chosen(clock: Clock, **backends: Backend) -> Choice:
    made = {name.replace("_", "-"): (lambda backend=backend: backend) for name, backend in backends.items()}
    return choose(made, AGREEMENT, clock=clock)[0]
