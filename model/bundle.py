"""A bundle on disk: an exported classifier with all that is needed to call and to trust it. Without TensorFlow.

<models>/<name>/<version>/
    saved_model.pb  variables/  assets/      what TensorFlow loads
    assets.extra/bifocal.json                `Metadata`
    assets.extra/golden.npz                  `Golden`
    assets.extra/MODEL_CARD.md               what it is for and how good it is, in words, if training wrote one
    assets.extra/examples.json               examples to show, if there are any that may be published
    assets.extra/vocabularies/<branch>.txt   for each branch that learned one, a token a line
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model import images
from model.errors import BundleError, SpecError
from model.golden import Golden
from model.json_text import json_text
from model.spec import THRESHOLD, ModelSpec, MultiLabelHead
from model.validation import Part

FORMAT_VERSION = 4
# Of version 2 there was no calibration: what is left out then is a temperature of 1 and a threshold of one half.
OLDEST_VERSION = 2
_EXTRA = "assets.extra"


class Metadata(Part):
    """What a bundle says of itself.

    Args:
        format_version: of this file; a reader refuses a newer one.
        name: of the model.
        spec: inputs, branches, merge, and heads with their labels in the order of the probabilities.
        decode_version: `model.images.DECODE_VERSION` of the build that trained it.
        temperatures: for each head, what its logits are divided by within the graph; 1 if it is not there.
        thresholds: for each multi-label head, from which probability on each label is given; one half if not there.
        recipe: what it was trained by, without the paths of the machine; None if that is not known.
        metrics: of the test split, by head.
        comparison: what a comparison of this model with others found, with its `sentence`; None if there was none.
        training_data: rows of each split, and the SHA-256 of the manifest.
        libraries: version of each library that made it.
        created: when, in UTC.
        files: SHA-256 of every other file of the bundle, by its path inside.
    """

    format_version: int = FORMAT_VERSION
    name: str
    spec: ModelSpec
    decode_version: int = images.DECODE_VERSION
    temperatures: dict[str, float] = Field(default_factory=dict)
    thresholds: dict[str, dict[str, float]] = Field(default_factory=dict)
    recipe: dict[str, Any] | None = None
    metrics: dict[str, Any]
    comparison: dict[str, Any] | None = None
    training_data: dict[str, Any]
    libraries: dict[str, str]
    created: datetime
    files: dict[str, str] = Field(default_factory=dict)

    @cached_property
    def threshold_arrays(self) -> dict[str, NDArray[np.float32]]:
        """For each multi-label head its thresholds in the order of its labels, float32 (classes,)."""
        return {
            name: np.array([self.thresholds.get(name, {}).get(label, THRESHOLD) for label in head.labels], np.float32)
            for name, head in self.spec.heads.items()
            if isinstance(head, MultiLabelHead)
        }


class Bundle:
    """A bundle that is complete and undamaged, and that this build can serve.

    Args:
        path: its directory.

    Raises:
        BundleError: if it is missing, damaged, of a newer format or of other preprocessing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metadata = _read_metadata(path)
        damaged = [name for name, digest in self.metadata.files.items() if _digest(path / name) != digest]
        if damaged:
            raise BundleError(
                f"Bundle {path.name} of {self.metadata.name!r} is damaged: missing or changed since it was written: "
                f"{', '.join(sorted(damaged))}. Copy it again, or train it again."
            )

    @property
    def spec(self) -> ModelSpec:
        """What the classifier is."""
        return self.metadata.spec

    def golden(self) -> Golden:
        """Its golden examples."""
        return Golden.load(self.path / _EXTRA / "golden.npz", self.spec)

    @cached_property
    def examples(self) -> tuple[dict[str, Any], ...]:
        """Those it brings to be shown, as a request has them: pictures as data URLs; none if it brings none.

        Raises:
            BundleError: if their file is not `{"examples": [{<input>: <value>, ...}, ...]}`.
        """
        file = self.path / _EXTRA / "examples.json"
        if not file.is_file():
            return ()
        try:
            given = json.loads(file.read_text(encoding="utf-8"))["examples"]
            unknown = sorted({name for one in given for name in one} - set(self.spec.inputs))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(
                f"Bundle {self.path.name} of {self.metadata.name!r}: {_EXTRA}/examples.json is not an object with a "
                f"list of examples ({type(error).__name__})."
            ) from None
        if unknown:
            raise BundleError(
                f"Bundle {self.path.name} of {self.metadata.name!r}: {_EXTRA}/examples.json names inputs that the "
                f"model has not: {', '.join(unknown)}. Valid: {', '.join(self.spec.inputs)}."
            )
        return tuple(given)


def vocabulary_file(bundle: Path, branch: str) -> Path:
    """Where a bundle keeps the vocabulary of a branch."""
    return bundle / _EXTRA / "vocabularies" / f"{branch}.txt"


def write_extra(
    directory: Path,
    metadata: Metadata,
    golden: Golden,
    vocabularies: Mapping[str, Path],
    model_card: str | None = None,
    examples: Sequence[Mapping[str, str]] = (),
) -> None:
    """Completes a SavedModel directory to a bundle.

    Args:
        directory: with the SavedModel.
        metadata: all but the digests.
        golden: examples to be checked by.
        vocabularies: for each branch that learned one, its file.
        model_card: Markdown; None for none.
        examples: to be shown to everybody, as a request has them.
    """
    extra = directory / _EXTRA
    (extra / "vocabularies").mkdir(parents=True, exist_ok=True)
    for branch, file in vocabularies.items():
        shutil.copyfile(file, vocabulary_file(directory, branch))
    golden.save(extra / "golden.npz")
    if model_card is not None:
        (extra / "MODEL_CARD.md").write_text(model_card, encoding="utf-8")
    if examples:
        text = json.dumps({"examples": list(examples)}, ensure_ascii=False)
        (extra / "examples.json").write_text(text + "\n", encoding="utf-8")
    files = {
        path.relative_to(directory).as_posix(): _digest(path) for path in sorted(directory.rglob("*")) if path.is_file()
    }
    complete = metadata.model_copy(update={"files": files})
    # Of pydantic's making, which writes null for what is no number, and laid out anew.
    text = json_text(json.loads(complete.model_dump_json()))
    (extra / "bifocal.json").write_text(text + "\n", encoding="utf-8")


def versions(model_directory: Path) -> list[int]:
    """Version numbers under `<models>/<name>/`, oldest first; other names are not looked at."""
    if not model_directory.is_dir():
        return []
    return sorted(
        int(path.name)
        for path in model_directory.iterdir()
        if path.name.isascii() and path.name.isdecimal() and path.is_dir()
    )


def publish(bundle: Path, models: Path, name: str) -> Path:
    """Copies a bundle to `<models>/<name>/<next version>/`, whole or not at all.

    Returns:
        The directory of the new version.
    """
    home = models / name
    home.mkdir(parents=True, exist_ok=True)
    incoming = home / f".incoming-{uuid.uuid4().hex}"
    try:
        shutil.copytree(bundle, incoming)
        while True:
            target = home / str(max(versions(home), default=0) + 1)
            try:
                os.rename(incoming, target)  # noqa: PTH104  (fails on a directory that is not empty: another publisher)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            else:
                return target
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _read_metadata(path: Path) -> Metadata:
    file = path / _EXTRA / "bifocal.json"
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise BundleError(
            f"{path.name} is not a bundle: {_EXTRA}/bifocal.json can't be read ({error.strerror})."
        ) from None
    try:
        data = json.loads(text)
        # Before the rest is looked at: a newer format may have keys that are unknown here.
        if data["format_version"] > FORMAT_VERSION:
            raise BundleError(
                f"Bundle {path.name} has format {data['format_version']}; this build reads up to {FORMAT_VERSION}. "
                "Serve it with a newer Bifocal."
            )
        if data["format_version"] < OLDEST_VERSION:
            raise BundleError(
                f"Bundle {path.name} has format {data['format_version']}, from before Bifocal was first released; this "
                f"build reads {OLDEST_VERSION} to {FORMAT_VERSION}. Train it again."
            )
        metadata = Metadata.parse(data, what="bifocal.json")
    except (ValueError, KeyError, TypeError, SpecError) as error:
        raise BundleError(f"{path.name} is not a bundle this build can read: {error}") from None
    if metadata.decode_version != images.DECODE_VERSION:
        raise BundleError(
            f"Bundle {path.name} was trained on pictures decoded by version {metadata.decode_version}; this build "
            f"decodes by version {images.DECODE_VERSION}. Train it again with this build."
        )
    return metadata


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""
