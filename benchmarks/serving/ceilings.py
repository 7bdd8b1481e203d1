"""What the machine can do, in one process and without a server: the model in its best batches, and each step alone.

python -m benchmarks.serving.ceilings MODELS --pictures 640x480      (prints JSON)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request

from benchmarks.serving.bundle import version_of
from benchmarks.serving.pictures import NAMES, USUAL, Asked, requests_of
from benchmarks.serving.wires import multipart_body
from model import images
from model.bundle import Bundle
from model.examples import DecodedExample, Example, Tensors, stack
from model.signature import SERVING
from model.spec import ModelSpec
from service import runtime
from service.answers import body
from service.engine import Answered
from service.intake import inputs
from service.intake.forms import read_form
from service.runtime.openvino_core import core
from service.runtime.openvino_network import OpenVINONetwork
from service.runtime.quantization import quantize
from service.settings import Settings
from service.threads import Threads

BATCHES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Cost:
    """What something costs.

    Args:
        cpu_s: CPU seconds of all threads, for each request.
        per_s: how many a second.
        batch: examples that were taken at once.
    """

    cpu_s: float
    per_s: float
    batch: int = 1


def cost(work: Callable[[], int], *, seconds: float) -> Cost:
    """Of some work that is repeated for a while; it says how many requests it did. Once before, uncounted."""
    batch = work()
    cpu, begun, done = time.process_time(), time.perf_counter(), 0
    while time.perf_counter() < begun + seconds:
        done += work()
    return Cost((time.process_time() - cpu) / done, done / (time.perf_counter() - begun), batch)


def best(costs: Sequence[Cost]) -> Cost:
    """The one with most a second."""
    return max(costs, key=lambda one: one.per_s)


class Ceilings:
    """Each step of a request on its own.

    Args:
        bundle: the model.
        asked: what is asked in turn.
        seconds: for each measurement.
    """

    def __init__(self, bundle: Bundle, asked: Sequence[Asked], *, seconds: float) -> None:
        self._bundle, self._asked, self._seconds = bundle, asked, seconds
        self._spec: ModelSpec = bundle.spec
        given = self._spec.inputs["image"]
        self._size = {"height": given.height, "width": given.width}
        self._decoded: list[DecodedExample] = [
            {"image": images.decode(one.image, **self._size), "text": one.text} for one in asked
        ]

    def parse(self) -> Cost:
        """A form, from the body in memory to the picture's bytes and the text, as the service does it."""
        settings = Settings()
        prepared = [multipart_body(one) for one in self._asked]
        scopes = [
            {
                "type": "http",
                "method": "POST",
                "path": "/predict",
                "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            }
            for headers, _ in prepared
        ]

        async def one(number: int) -> Example:
            async def receive() -> dict[str, object]:
                return {"type": "http.request", "body": prepared[number][1], "more_body": False}

            form = await read_form(Request(scopes[number], receive), max_text_bytes=4 * settings.max_text_characters)
            try:
                return await inputs.from_form(form, self._spec, settings)
            finally:
                await form.close()

        async def all_of_them() -> int:
            for number in range(len(prepared)):
                await one(number)
            return len(prepared)

        with asyncio.Runner() as runner:
            return cost(lambda: runner.run(all_of_them()), seconds=self._seconds)

    def decode(self) -> Cost:
        """The pictures, in one thread."""

        def work() -> int:
            for one in self._asked:
                images.decode(one.image, **self._size)
            return len(self._asked)

        return cost(work, seconds=self._seconds)

    def signature(self) -> Cost:
        """The SavedModel's own signature, in the batch size that suits it best."""
        import tensorflow as tf

        loaded = tf.saved_model.load(str(self._bundle.path))
        serve = loaded.signatures[SERVING]

        def of(batch: int) -> Callable[[], int]:
            tensors = self._tensors(batch)

            def work() -> int:
                answers = serve(**{name: tf.constant(value) for name, value in tensors.items()})
                for values in answers.values():
                    values.numpy()
                return batch

            return work

        return best([cost(of(batch), seconds=self._seconds) for batch in BATCHES])

    def openvino(self) -> Cost:
        """The network in OpenVINO, set up for throughput, words encoded before; the best of its precisions.

        One is what it takes for a model by itself: bfloat16 where the CPU has units for it, else float32. The other
        is int8, as the service makes it.
        """
        import openvino
        import tensorflow as tf

        loaded = tf.saved_model.load(str(self._bundle.path))
        network = OpenVINONetwork(loaded, list(self._spec.heads), calls=1, threads=1)
        places = network.halves.places(network.converted)
        examples = network.halves.encoded(self._tensors(len(self._decoded)), places)
        found = []
        for model in (network.converted, quantize(network.converted, examples)):
            compiled = core().compile_model(model, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
            requests = openvino.AsyncInferQueue(compiled)
            for batch in BATCHES:
                given = network.halves.encoded(self._tensors(batch), network.halves.places(compiled))

                def work(requests: Any = requests, batch: int = batch, given: Any = given) -> int:
                    for _ in range(len(requests)):
                        requests.start_async(given, share_inputs=True)
                    requests.wait_all()
                    return batch * len(requests)

                found.append(replace(cost(work, seconds=self._seconds), batch=batch))
        return best(found)

    def _tensors(self, batch: int) -> Tensors:
        return stack(self._spec, [self._decoded[number % len(self._decoded)] for number in range(batch)])

    def service_runtime(self, chooser: runtime.Chooser, threads: Threads) -> Cost:
        """The same through what the service calls the model with.

        Args:
            chooser, threads: as the service gives them.
        """
        loaded = runtime.Runtime(self._bundle, chooser, calls=threads.model, threads=threads.intra_op)

        def of(batch: int) -> Callable[[], int]:
            rows = [self._decoded[number % len(self._decoded)] for number in range(batch)]
            return lambda: len(loaded.predict(rows))

        return best([cost(of(batch), seconds=self._seconds) for batch in BATCHES])

    def respond(self) -> Cost:
        """The answer as JSON."""
        random = np.random.default_rng(0)
        values = {name: random.random(len(head.labels)).astype(np.float32) for name, head in self._spec.heads.items()}
        answered, about = [Answered(values, [])], {"model": {"name": "benchmark", "version": 1}, "request_id": "0" * 32}

        def work() -> int:
            for _ in range(100):
                body(about, self._spec, answered, top_k=5)
            return 100

        return cost(work, seconds=self._seconds)


def main() -> None:
    """Prints them."""
    parser = argparse.ArgumentParser(description="What each step of a request costs by itself, as JSON.")
    parser.add_argument("models", type=Path, help="folder of models that the benchmark has made")
    parser.add_argument("--pictures", choices=NAMES, default=USUAL, help="size of the pictures: --pictures 4000x3000")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each measurement: --seconds 2")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("BIFOCAL_")]:
        del os.environ[name]  # the defaults are measured
    settings = Settings(models=given.models)
    threads = Threads.chosen(settings)
    runtime.prepare(intra_op=threads.intra_op, inter_op=threads.inter_op)
    # It finds what the service has measured and chosen.
    memory = runtime.Memory(settings.state)
    conditions = {"calls": threads.model, "intra_op": threads.intra_op, "inter_op": threads.inter_op}
    chooser = runtime.Chooser(settings.backend, precision=settings.precision, memory=memory, conditions=conditions)
    ceilings = Ceilings(Bundle(version_of(given.models)), requests_of(given.pictures), seconds=given.seconds)
    found = {
        "parse": ceilings.parse(),
        "decode": ceilings.decode(),
        "signature": ceilings.signature(),
        "OpenVINO": ceilings.openvino(),
        "service runtime": ceilings.service_runtime(chooser, threads),
        "respond": ceilings.respond(),
    }
    print(json.dumps({name: asdict(one) for name, one in found.items()}))


if __name__ == "__main__":
    main()
