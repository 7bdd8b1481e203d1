"""Which kernels TensorFlow is told to use."""

from __future__ import annotations

import os

import pytest

from model.kernels import VARIABLE, prefer_onednn


@pytest.mark.parametrize(("said", "found"), [(None, "1"), ("0", "0")])
def test_onednn_is_on_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, said: str | None, found: str
) -> None:
    monkeypatch.setenv(VARIABLE, said or "")
    if said is None:
        monkeypatch.delenv(VARIABLE)

    prefer_onednn()

    assert os.environ[VARIABLE] == found
