"""What the servers are asked, what the SavedModel answers to it in this process, and the files that wrk reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.asking import largest_difference
from benchmarks.serving.folder import made
from benchmarks.serving.load import write_requests
from benchmarks.serving.pictures import Asked, requests_of
from benchmarks.serving.running import Server
from benchmarks.serving.servers.classifier import Classifier


class Questions:
    """The pictures and words of some sizes.

    Args:
        names: of the sizes, as `benchmarks.serving.pictures.NAMES` has them.
        saved_model: whose answers are the right ones.
    """

    def __init__(self, names: Iterable[str], saved_model: Path) -> None:
        self._asked: Mapping[str, Sequence[Asked]] = {name: requests_of(name) for name in names}
        self._classifier = Classifier(saved_model, intra_op=None)
        self._expected: dict[str, NDArray[np.float32]] = {
            name: self._classifier.predict([one.image for one in asked], [one.text for one in asked])
            for name, asked in self._asked.items()
        }
        if not _are_distinct(self._expected.values()):
            raise ValueError("The model answers alike to different pictures, so answers mixed up would not be noticed.")

    @property
    def first(self) -> Asked:
        """What a server is asked first."""
        return next(iter(self._asked.values()))[0]

    def difference(self, server: Server) -> float:
        """How far a server's answers to all of it are from the right ones.

        Raises:
            ValueError: if it answers with something else than status 200, or with other labels.
        """
        wire, port = server.variant.wire, server.port
        differences = [
            largest_difference(wire, list(asked), self._expected[name], port=port)
            for name, asked in self._asked.items()
        ]
        return float(np.max(differences))  # not a number if one is none

    def file(self, name: str, server: Server) -> Path:
        """The requests about the pictures of a size, as this server takes them, for wrk; until the next are wanted."""
        requests = [server.variant.wire.request(one, port=server.port) for one in self._asked[name]]
        return write_requests(made("requests") / f"{name}.bin", requests)


def _are_distinct(expected: Iterable[NDArray[np.float32]]) -> bool:
    rows = np.concatenate(list(expected))
    distances = np.abs(rows[:, None] - rows[None]).max(-1)
    return float(np.median(distances[~np.eye(len(rows), dtype=bool)])) > 1e-3
