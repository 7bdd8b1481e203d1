"""Finished parts of a comparison on disk: each whole or not at all, found again by what it depends on."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import StorageError
from training.run_lock import locked

# Of all parts, in that of the comparison.
FOLDER = "parts"
Logits = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Measured:
    """One candidate, trained once.

    Args:
        seed: of the training.
        seconds: that the training took.
        parameters: numbers that were learned.
        chosen: what validation chose: the epoch, or the strength of the regularization.
        validation: logits, for each head float32 (rows, classes), of the validation split.
        test: the same of the test split.
    """

    seed: int
    seconds: float
    parameters: int
    chosen: Mapping[str, Any]
    validation: Logits
    test: Logits


@contextmanager
def at_work(out: Path) -> Iterator[None]:
    """While it is open, no other process compares in the folder: one would take away what the other has under way.

    Args:
        out: folder of the comparison, made if it is not there.

    Raises:
        StorageError: if another process is at work in it, or it can't be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The folder {out} can't be made: {error.strerror or error}. Choose another folder with --out."
        ) from None
    advice = "Wait for it, or choose another folder with --out."
    with locked(out / FOLDER / "lock", what=f"A comparison is being made in {out}", advice=advice):
        yield


class Parts:
    """The folder of finished parts.

        <name>-seed<seed>-<digest>/part.json            figures, and the whole digest
                                  /logits.npz           `validation/<head>` and `test/<head>`
        <name>-seed<seed>-<digest>.npz                  the checkpoint of a training that was broken off
        <name>-<digest>.json                            small things that were measured once
        lock                                            of the process that is at work

    Args:
        directory: made when the first part is kept.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, name: str, seed: int, digest: str) -> Measured | None:
        """A part that was finished before; None if there is none, or what is there is of another form or damaged."""
        folder = self._folder(name, seed, digest)
        try:
            figures = json.loads((folder / "part.json").read_text(encoding="utf-8"))
            if figures["digest"] != digest:
                return None
            with np.load(folder / "logits.npz") as arrays:
                splits = {
                    split: {key.partition("/")[2]: arrays[key] for key in arrays if key.startswith(f"{split}/")}
                    for split in ("validation", "test")
                }
            return Measured(
                seed, figures["seconds"], figures["parameters"], figures["chosen"], splits["validation"], splits["test"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def has_another(self, name: str, seed: int) -> bool:
        """Whether a part of that name and seed is there, of whatever digest."""
        return any(self._directory.glob(f"{_slug(name)}-seed{seed}-*/part.json"))

    def keep(self, name: str, digest: str, measured: Measured) -> None:
        """Stores a part; a process that is killed meanwhile leaves none.

        Raises:
            StorageError: if it can't be written.
        """
        target = self._folder(name, measured.seed, digest)
        incoming = self._directory / f".incoming-{uuid.uuid4().hex}"
        figures = {
            "digest": digest,
            "name": name,
            "seed": measured.seed,
            "seconds": measured.seconds,
            "parameters": measured.parameters,
            "chosen": measured.chosen,
        }
        arrays = {
            f"{split}/{head}": values
            for split, heads in (("validation", measured.validation), ("test", measured.test))
            for head, values in heads.items()
        }
        try:
            incoming.mkdir(parents=True)
            np.savez(incoming / "logits.npz", **arrays)  # type: ignore[arg-type]
            (incoming / "part.json").write_text(json.dumps(figures, indent=2, ensure_ascii=False), encoding="utf-8")
            shutil.rmtree(target, ignore_errors=True)  # it could not be read, or it would have been used
            os.rename(incoming, target)  # noqa: PTH104
        except OSError as error:
            raise self._unwritable(error) from None
        finally:
            shutil.rmtree(incoming, ignore_errors=True)

    def under_way(self, name: str, seed: int, digest: str) -> Path:
        """The file of the checkpoint of a part that is not finished."""
        folder = self._folder(name, seed, digest)
        return folder.with_name(f"{folder.name}.npz")

    def recall(self, name: str, digest: str) -> Any:
        """What was remembered under a name and digest; None if nothing was."""
        try:
            return json.loads(self._file(name, digest).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def remember(self, name: str, digest: str, value: Any) -> None:
        """Stores plain data.

        Raises:
            StorageError: if it can't be written.
        """
        incoming = self._directory / f".incoming-{uuid.uuid4().hex}.json"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            incoming.write_text(json.dumps(value), encoding="utf-8")
            incoming.replace(self._file(name, digest))
        except OSError as error:
            raise self._unwritable(error) from None
        finally:
            incoming.unlink(missing_ok=True)

    def _folder(self, name: str, seed: int, digest: str) -> Path:
        return self._directory / f"{_slug(name)}-seed{seed}-{digest[:16]}"

    def _file(self, name: str, digest: str) -> Path:
        return self._directory / f"{_slug(name)}-{digest[:16]}.json"

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            f"A finished part can't be kept in {self._directory}: {error.strerror or error}. Make room, or choose "
            "another folder with --out; what was finished before is not trained again."
        )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
