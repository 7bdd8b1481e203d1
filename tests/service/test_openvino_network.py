"""A network that OpenVINO can't convert."""

from __future__ import annotations

from types import SimpleNamespace

import openvino
import pytest

from service.backends import UnusableError
from service.runtime.openvino_network import OpenVINONetwork


def network() -> OpenVINONetwork:
    loaded = SimpleNamespace(classify=SimpleNamespace(concrete_functions=["a graph"]))
    return OpenVINONetwork(loaded, ["label"], calls=1, threads=1)


def test_it_is_of_no_use_and_is_not_converted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def convert(_: object) -> None:
        tried.append(1)
        raise RuntimeError("no rule for the operation Odd")

    monkeypatch.setattr(openvino, "convert_model", convert)
    one = network()
    for make in (one.float32, one.bfloat16):
        with pytest.raises(UnusableError, match="OpenVINO can't convert the network: no rule for the operation Odd"):
            make()
    assert tried == [1]


def test_want_of_memory_is_not_its_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(openvino, "convert_model", convert)
    with pytest.raises(MemoryError):
        network().float32()
