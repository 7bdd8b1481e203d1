"""What a finished part depends on, as a digest: the examples themselves, the code, the files it starts from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import model
import training
from training.pipeline import Examples
from training.prepare import Prepared
from training.progress import Task

ROWS_AT_A_TIME = 1000
LIBRARIES = ("bifocal", "tensorflow", "tensorflow-text", "keras", "numpy", "scikit-learn")
# What tells of results, and what reads the data, whose digest holds all that comes of it.
_NO_PART_IN_IT = {
    "cache",
    "check",
    "commands",
    "comparison",
    "demo_data",
    "drafting",
    "gate",
    "manifests",
    "recipes",
    "report",
}


def digest(parts: Mapping[str, Any]) -> str:
    """SHA-256 of plain data, in hexadecimal; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def of_data(data: Prepared, task: Task) -> str:
    """Of everything that is trained on and measured on: pictures, texts, what is absent, targets, split by split.

    Args:
        data: the examples.
        task: told how it goes.
    """
    total = len(data.train) + len(data.val) + len(data.test)
    running, done = hashlib.sha256(), 0
    for name, examples in (("train", data.train), ("val", data.val), ("test", data.test)):
        running.update(name.encode())
        for start in range(0, len(examples), ROWS_AT_A_TIME):
            index = np.arange(start, min(start + ROWS_AT_A_TIME, len(examples)))
            for part in _arrays(examples, index):
                running.update(part)
            done += len(index)
            task.update(done, total)
    return running.hexdigest()


@cache
def of_code() -> str:
    """Of the sources that decide what a training gives, and of the versions of the libraries."""
    running = hashlib.sha256(digest({name: version(name) for name in LIBRARIES}).encode())
    for package in (model, training):
        home = Path(str(package.__file__)).parent
        for file in sorted(home.rglob("*.py")):
            place = file.relative_to(home)
            if place.parts[0] not in _NO_PART_IN_IT:
                running.update(f"{package.__name__}/{place.as_posix()}\0".encode())
                running.update(file.read_bytes())
    return running.hexdigest()


def of_files(paths: Iterable[Path]) -> list[list[Any]]:
    """Name, size and time of change of files and of all files in folders; what is not there is left out."""
    found = []
    for path in sorted(set(paths)):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                status = file.stat()
                found.append([str(file), status.st_size, status.st_mtime_ns])
    return found


def _arrays(examples: Examples, index: NDArray[np.intp]) -> Iterable[bytes]:
    tensors = examples.batch(index)
    tensors |= {f"{head}.target": target[index] for head, target in examples.targets.items()}
    for name in sorted(tensors):
        values = np.asarray(tensors[name])
        yield f"{name} {values.shape} ".encode()
        if values.dtype == object:
            yield json.dumps(values.tolist(), ensure_ascii=False).encode("utf-8", "surrogatepass")
        else:
            yield np.ascontiguousarray(values).data.tobytes()
