"""One version of a model at work: its runtime behind two pipelines, one that predicts and one that explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.bundle import Bundle
from model.examples import DecodedExample, Example, decode
from model.spec import ModelSpec
from service.engine.courtesy import Courtesy
from service.engine.explanation import Explanation
from service.engine.pipeline import Pipeline
from service.engine.watcher import Watcher
from service.settings import Settings
from service.threads import Threads

# Each is a few dozen calls of the network, so few may wait and one runs at a time.
MAX_EXPLANATIONS = 16


class Runtime(Protocol):
    """What can be loaded from a bundle; `service.runtime.Runtime` is the real one."""

    def warm_up(self, batch_sizes: Sequence[int]) -> None:
        """Makes batches of these sizes fast from their first call on."""

    def prepare(self, example: Example) -> None:
        """Begins with an example that is likely to be predicted next by this thread, before it is decoded."""

    def predict(self, examples: Sequence[DecodedExample]) -> list[dict[str, NDArray[np.float32]]]:
        """Probabilities of each head, for each example."""

    def explain(self, example: DecodedExample, targets: Mapping[str, int]) -> dict[str, Explanation]:
        """Why these labels have their probabilities, for each head that has a target."""


@dataclass(frozen=True)
class Answered:
    """What a model says of one example.

    Args:
        probabilities: for each head float32 (classes,), in the order of the head's labels.
        absent: inputs that the example came without.
        explanations: for each head why its first choice is that, if it was asked for.
    """

    probabilities: Mapping[str, NDArray[np.float32]]
    absent: tuple[str, ...]
    explanations: Mapping[str, Explanation] | None = None


class Engine:
    """A loaded version of a model.

    Args:
        bundle: that it was loaded from.
        runtime: what it was loaded as.
        settings: limits.
        threads: how many call the model.
        decoders: the pool that decodes pictures; has to outlive the engine.
        watcher: told of each batch of predictions.
        explanation_watcher: told of each explanation.
    """

    def __init__(
        self,
        bundle: Bundle,
        runtime: Runtime,
        *,
        settings: Settings,
        threads: Threads,
        decoders: Executor,
        watcher: Watcher | None = None,
        explanation_watcher: Watcher | None = None,
    ) -> None:
        self.metadata = bundle.metadata
        self.spec = bundle.spec
        runtime.warm_up(_sizes(settings.max_batch_size))
        name = f"{bundle.path.parent.name}-{bundle.path.name}"
        decode_one = partial(decode, bundle.spec, max_pixels=settings.max_pixels)
        self.pipeline: Pipeline[Example, DecodedExample, Answered] = Pipeline(
            decode_one,
            partial(_predicted, runtime, bundle.spec),  # not a method: an engine let go of is to be freed at once
            decoders=decoders,
            max_batch_size=settings.max_batch_size,
            max_waiting=settings.max_waiting,
            threads=threads.model,
            name=f"model-{name}",
            watcher=watcher,
            prepare=runtime.prepare,
        )
        self.explanations: Pipeline[Example, DecodedExample, Answered] = Pipeline(
            decode_one,
            partial(_explained, runtime, bundle.spec),
            decoders=decoders,
            max_batch_size=1,
            max_waiting=MAX_EXPLANATIONS,
            threads=1,
            name=f"explain-{name}",
            watcher=explanation_watcher,
            rest_s=Courtesy(self.pipeline).rest_s,
        )

    def close(self) -> None:
        """Answers what was accepted and ends the threads. Returns when that is done."""
        self.pipeline.close()
        self.explanations.close()


def _predicted(runtime: Runtime, spec: ModelSpec, examples: Sequence[DecodedExample]) -> list[Answered]:
    return [
        Answered(answer, tuple(name for name in spec.inputs if name not in example))
        for example, answer in zip(examples, runtime.predict(examples), strict=True)
    ]


def _explained(runtime: Runtime, spec: ModelSpec, examples: Sequence[DecodedExample]) -> list[Answered]:
    explained = []
    for example, answer in zip(examples, _predicted(runtime, spec, examples), strict=True):
        first = {head: int(values.argmax()) for head, values in answer.probabilities.items()}
        explained.append(Answered(answer.probabilities, answer.absent, runtime.explain(example, first)))
    return explained


def _sizes(largest: int) -> list[int]:
    """Batch sizes to warm up for: powers of two, and the largest there is."""
    return sorted({*(2**power for power in range(largest.bit_length())), largest})
