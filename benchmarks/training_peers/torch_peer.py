"""The same network in PyTorch: run as `python -m benchmarks.training_peers.torch_peer FOLDER ORDER`.

Channels-last, one fused AdamW, an average of all weights at once, in-memory tensors; each turn an epoch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from benchmarks.training_peers.problem import Problem, Words
from benchmarks.turns import take_turns, timed


class Picture(nn.Module):
    """uint8 (batch, height, width, 3) -> (batch, units).

    Args:
        problem: sizes.
        order: `pool` first or `norm` first, behind each convolution.
    """

    def __init__(self, problem: Problem, order: str) -> None:
        super().__init__()
        stages, width = [], 3
        for filters in problem.filters:
            size = problem.kernel_size
            convolution = nn.Conv2d(width, filters, size, padding=size // 2, bias=False)
            norm, pool = nn.BatchNorm2d(filters), nn.MaxPool2d(2)
            rest = [pool, norm, nn.ReLU()] if order == "pool" else [norm, nn.ReLU(), pool]
            stages += [convolution, *rest]
            width = filters
        self.stages = nn.Sequential(*stages)
        self.end = nn.Sequential(
            nn.Dropout(problem.picture_dropout), nn.Linear(width, problem.picture_units), nn.ReLU()
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        scaled = pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)  # in channels-last memory as it was
        return self.end(self.stages(scaled).mean((2, 3)))


class Bag(nn.Module):
    """int64 (batch, length) -> (batch, units)."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(words.num_ids, words.dimension, mode="mean", padding_idx=0)
        activation = nn.ReLU() if words.activation == "relu" else nn.Identity()
        self.end = nn.Sequential(nn.Dropout(words.dropout), nn.Linear(words.dimension, words.units), activation)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.end(self.bag(tokens))


class Network(nn.Module):
    """Pictures and tokens -> the logits of the head and of its copies."""

    def __init__(self, problem: Problem, order: str) -> None:
        super().__init__()
        self.picture = Picture(problem, order)
        self.bags = nn.ModuleList(Bag(words) for words in problem.words)
        widths = [problem.picture_units, *(words.units for words in problem.words)]
        self.trunk = nn.Sequential(
            nn.Dropout(problem.trunk_dropout), nn.Linear(sum(widths), problem.trunk_units), nn.ReLU()
        )
        self.head = nn.Linear(problem.trunk_units, problem.classes)
        self.copies = nn.ModuleList(nn.Linear(width, problem.classes) for width in widths)

    def forward(self, pixels: torch.Tensor, tokens: list[torch.Tensor]) -> list[torch.Tensor]:
        vectors = [self.picture(pixels), *(bag(one) for bag, one in zip(self.bags, tokens, strict=True))]
        copies = [copy(vector) for copy, vector in zip(self.copies, vectors, strict=True)]
        return [self.head(self.trunk(torch.cat(vectors, dim=1))), *copies]


class Training:
    """An epoch at a time.

    Args:
        folder: of the problem.
        order: see `Picture`.
        bfloat16: whether to compute by autocast.
        compiled: whether by `torch.compile`.
    """

    def __init__(self, folder: Path, order: str, *, bfloat16: bool, compiled: bool) -> None:
        self._problem, arrays = Problem.load(folder)
        self._pixels = torch.from_numpy(arrays["image"])
        self._labels = torch.from_numpy(arrays["label"]).long()
        self._tokens = [torch.from_numpy(arrays[words.name]).long() for words in self._problem.words]
        network = Network(self._problem, order).to(memory_format=torch.channels_last)
        self.parameters = sum(weights.numel() for weights in network.parameters())
        self._weights = list(network.parameters())
        self._average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(self._problem.ema_decay))
        self._network = network
        self._arithmetic = torch.compile(network) if compiled else network
        self._optimizer = torch.optim.AdamW(
            self._weights, self._problem.learning_rate, weight_decay=self._problem.weight_decay, fused=True
        )
        self._precision = (lambda: torch.autocast("cpu", torch.bfloat16)) if bfloat16 else nullcontext

    def epoch(self) -> int:
        """Steps over all examples in random order; returns how many."""
        order = torch.randperm(self._problem.examples)
        for index in order.split(self._problem.batch_size):
            with self._precision():
                logits = self._arithmetic(self._pixels[index], [tokens[index] for tokens in self._tokens])
            labels = self._labels[index]
            loss = torch.stack([nn.functional.cross_entropy(one.float(), labels) for one in logits]).sum()
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self._weights, self._problem.clip_norm, foreach=True)
            self._optimizer.step()
            self._average.update_parameters(self._network)
            loss.item()  # as the others, which look whether it is still a number
        return self._problem.examples


def main(folder: Path, order: str) -> None:
    """Takes turns."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    made: dict[str, Training] = {}

    def epoch(bfloat16: bool, compiled: bool) -> Callable[[], int]:
        name = f"{bfloat16} {compiled}"

        def run() -> int:
            if name not in made:
                made[name] = Training(folder, order, bfloat16=bfloat16, compiled=compiled)
            return made[name].epoch()

        return run

    candidates = {
        f"{'bfloat16' if bfloat16 else 'float32'}{', torch.compile' if compiled else ''}": timed(
            epoch(bfloat16, compiled)
        )
        for bfloat16 in (False, True)
        for compiled in (False, True)
    }
    parameters = Training(folder, order, bfloat16=False, compiled=False).parameters
    take_turns(candidates, facts={"parameters": parameters, "version": torch.__version__})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
