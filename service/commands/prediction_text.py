"""A prediction in lines that a person reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from model.spec import ModelSpec
from service.engine import Answered
from service.engine.explanation import Explanation

BAR_WIDTH = 30


def prediction_lines(spec: ModelSpec, answer: Answered, *, top_k: int, block: str) -> Iterator[str]:
    """The most probable labels of each head with bars, the absent inputs, and why, if that is known.

    Args:
        spec: of the model.
        answer: what it said.
        top_k: labels of each head.
        block: what bars are made of.
    """
    for head in spec.heads:
        yield head
        yield from _labels(spec.heads[head].labels, answer.probabilities[head], top_k, block)
    if answer.absent:
        yield f"absent: {', '.join(answer.absent)}"
    for explanation in (answer.explanations or {}).values():
        yield ""
        yield from _reasons(explanation)


def _labels(labels: tuple[str, ...], values: NDArray[np.float32], top_k: int, block: str) -> Iterator[str]:
    ranked = np.argsort(-values, kind="stable").tolist()[:top_k]  # equals in label order
    width = max(len(labels[number]) for number in ranked)
    for number in ranked:
        value = float(values[number])
        yield f"  {labels[number]:<{width}}  {100 * value:5.1f} %  {block * round(BAR_WIDTH * value)}".rstrip()


def _reasons(one: Explanation) -> Iterator[str]:
    yield (
        f"why {one.head} is {one.label!r}: {one.probability:.3f}, and {one.baseline:.3f} with every input absent; "
        "moved by"
    )
    yield from _signed(one.shares)
    for name, tokens in one.tokens.items():
        if tokens:
            yield f"  in {name}: {'  '.join(f'{text} {weight + 0.0:+.3f}' for text, weight in tokens)}"


def _signed(shares: Mapping[str, float]) -> Iterator[str]:
    width = max(map(len, shares))
    for name, share in shares.items():
        yield f"  {name:<{width}}  {round(share, 3) + 0.0:+.3f}"  # + 0.0 makes of -0.0 a zero without a sign of its own
