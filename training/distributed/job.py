"""What the chief tells the other workers to train: the same network by the same settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from model.errors import ClusterError
from model.spec import ModelSpec
from training.distributed.replicas import Replicas
from training.prepare import Prepared
from training.splits import SPLITS
from training.training_settings import TrainingSettings


@dataclass(frozen=True)
class Job:
    """One network to be trained.

    Args:
        spec: as JSON holds it.
        settings: as JSON holds them; the precision is not `auto`.
        vocabularies: for each branch that has one, the text of its file.
        data: digests of the manifest, of which rows are in each split, and of their pictures and texts.
    """

    spec: dict[str, Any]
    settings: dict[str, Any]
    vocabularies: dict[str, str]
    data: list[str]

    @classmethod
    def of(
        cls, spec: ModelSpec, data: Prepared, settings: TrainingSettings, vocabulary_files: Mapping[str, Path]
    ) -> Self:
        """What the chief is about to train."""
        return cls(
            spec.model_dump(mode="json"),
            settings.model_dump(mode="json"),
            {name: file.read_bytes().decode() for name, file in vocabulary_files.items()},
            _digests(data),
        )

    def model_spec(self) -> ModelSpec:
        """The network."""
        return ModelSpec.parse(self.spec, what="spec")

    def training_settings(self) -> TrainingSettings:
        """How it is trained."""
        return TrainingSettings.parse(self.settings, what="training")

    def write_vocabularies(self, folder: Path) -> dict[str, Path]:
        """The vocabularies as files of a folder, by branch."""
        files = {}
        for name, text in self.vocabularies.items():
            files[name] = folder / f"{name}.txt"
            files[name].write_bytes(text.encode())
        return files


def announce(job: Job | None, replicas: Replicas) -> None:
    """Tells the other workers of a job, None that there is none left. For the chief.

    Raises:
        ClusterError: if another worker is gone.
    """
    replicas.broadcast(json.dumps(job and asdict(job)).encode())


def receive(replicas: Replicas) -> Job | None:
    """The next job, None if there is none left. For workers that are not the chief; waits for it.

    Raises:
        ClusterError: if another worker is gone.
    """
    said = json.loads(replicas.broadcast(b""))
    return None if said is None else Job(**said)


def require_same_data(job: Job, data: Prepared, replicas: Replicas) -> None:
    """Looks whether all processes have the rows that the chief has; all of them have to ask.

    Raises:
        ClusterError: naming those that have others.
    """
    if replicas.cluster is None:
        return
    differs = np.zeros(len(replicas.cluster.addresses), np.int32)
    differs[replicas.cluster.index] = _digests(data) != job.data
    others = np.flatnonzero(replicas.all_reduce_sum(differs)).tolist()
    if others:
        named = ", ".join(f"worker {number} ({replicas.cluster.addresses[number]})" for number in others)
        raise ClusterError(
            f"Other rows than the chief's were found by {named}: another manifest, other pictures, or some that can't "
            "be read there. Give all workers the same files."
        )


def _digests(data: Prepared) -> list[str]:
    contents = hashlib.sha256(b"".join(data.contents[split].tobytes() for split in SPLITS)).hexdigest()
    return [data.digest, data.rows_digest, contents]
