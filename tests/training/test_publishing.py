"""What is said when a bundle can't be published."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from model.errors import StorageError
from training.publishing import publish_once


def test_a_disk_that_fills_up_is_told_once_and_not_for_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for name in ("saved_model.pb", "fingerprint.pb"):
        (bundle / name).touch()

    def full(source: Any, target: Any, **_: object) -> None:
        raise OSError(28, os.strerror(28), str(source), None, str(target))

    copytree = shutil.copytree
    monkeypatch.setattr(shutil, "copytree", lambda *given: copytree(*given, copy_function=full))

    with pytest.raises(StorageError, match=r"can't be written to \S+/mugs: No space left on device\.$"):
        publish_once(bundle, tmp_path / "models", "mugs")
    assert list((tmp_path / "models" / "mugs").iterdir()) == []
