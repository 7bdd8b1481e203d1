"""Who computes the convolutions of a training."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import tensorflow as tf

from model.errors import SpecError
from model.native.library import NativeCodeError
from training import convolutions
from training.convolutions import chosen, require
from training.training_settings import TrainingSettings


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Native code that can be had, on a CPU with no wider units, and no GPU."""
    made = SimpleNamespace(slower=False, gpus=[], missing=None)

    def library() -> None:
        if made.missing:
            raise NativeCodeError(made.missing)

    monkeypatch.setattr(convolutions, "library", library)
    monkeypatch.setattr(convolutions, "is_supported", lambda: not made.missing)
    monkeypatch.setattr(convolutions, "may_be_slower", lambda: made.slower)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: made.gpus)
    return made


def test_native_code_computes_where_it_is_known_to_be_faster(native: SimpleNamespace) -> None:
    assert chosen("auto", "float32") == chosen("winograd", "float32") == "winograd"
    assert chosen("tensorflow", "float32") == "tensorflow"


def test_it_computes_in_float32_alone(native: SimpleNamespace) -> None:
    assert chosen("auto", "bfloat16") == "tensorflow"
    with pytest.raises(SpecError, match="'winograd' computes in float32 alone, and precision is 'auto'"):
        TrainingSettings.parse({"convolutions": "winograd", "precision": "auto"}, what="training")


def test_wider_units_and_gpus_are_left_to_tensorflow(native: SimpleNamespace) -> None:
    native.slower = True
    assert (chosen("auto", "float32"), chosen("winograd", "float32")) == ("tensorflow", "winograd")
    native.slower, native.gpus = False, ["GPU:0"]
    assert (chosen("auto", "float32"), chosen("winograd", "float32")) == ("tensorflow", "winograd")


def test_without_native_code_it_is_done_without_or_told_why_not(native: SimpleNamespace) -> None:
    native.missing = "its native code is missing"
    for asked in ("auto", "winograd"):  # one process of a cluster goes along
        assert chosen(asked, "float32") == "tensorflow"
    with pytest.raises(
        SpecError, match=r"training.convolutions: 'winograd' can't be had here: its native code is missing"
    ):
        require("winograd")
    require("auto")
    require("tensorflow")
