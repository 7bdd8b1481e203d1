"""From examples to predictions: decoding in a small pool, the model's batcher, the answer's form."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from model.errors import ImageError
from model.examples import DecodedExample, Example, decode
from model.spec import THRESHOLD, ModelSpec, MultiLabelHead
from service.schemas import HeadPrediction, LabelProbability, Prediction
from service.store import Served


async def predict(
    served: Served, examples: Sequence[Example], pool: Executor, *, max_pixels: int, top_k: int
) -> list[Prediction]:
    """Answers examples, in their order.

    Args:
        served: the model.
        examples: encoded pictures and texts.
        pool: threads that decode.
        max_pixels: a picture with more is refused.
        top_k: labels in `top`.

    Raises:
        ImageError: naming the input, and the instance of many, whose picture is unusable.
    """
    spec = served.metadata.spec
    loop = asyncio.get_running_loop()
    one = partial(decode, spec, max_pixels=max_pixels)
    outcomes = await asyncio.gather(
        *(loop.run_in_executor(pool, one, example) for example in examples), return_exceptions=True
    )
    decoded = [_checked(outcome, number, len(examples)) for number, outcome in enumerate(outcomes)]
    futures = [asyncio.wrap_future(served.batcher.submit(example)) for example in decoded]
    answers = await asyncio.gather(*futures)
    return [
        Prediction(
            heads={head: _head(spec, head, answer[head], top_k) for head in spec.heads},
            absent=[name for name in spec.inputs if name not in example],
        )
        for example, answer in zip(decoded, answers, strict=True)
    ]


def _checked(outcome: DecodedExample | BaseException, number: int, count: int) -> DecodedExample:
    if isinstance(outcome, ImageError) and count > 1:
        raise type(outcome)(f"Instance {number}: {outcome}", input=outcome.input) from outcome
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _head(spec: ModelSpec, head: str, values: NDArray[np.float32], top_k: int) -> HeadPrediction:
    probabilities = dict(zip(spec.heads[head].labels, values.tolist(), strict=True))
    ranked = sorted(probabilities, key=lambda label: -probabilities[label])  # stable: equals in label order
    top = [LabelProbability(label=label, probability=probabilities[label]) for label in ranked[:top_k]]
    several = isinstance(spec.heads[head], MultiLabelHead)
    return HeadPrediction(
        label=ranked[0],
        labels=[label for label in ranked if probabilities[label] >= THRESHOLD] if several else ranked[:1],
        probability=probabilities[ranked[0]],
        top=top,
        probabilities=probabilities,
    )
