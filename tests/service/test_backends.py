"""Backends: how one is chosen, what is refused, what is remembered."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from model.bundle import Bundle
from model.errors import BundleError
from model.examples import Tensors
from model.spec import ModelSpec
from service.backends import AS_SAVED, Answers, Backend, BackendName
from service.cpu import Cpu
from service.runtime.agreement import Agreement, DisagreementError
from service.runtime.choice import ENOUGH_S, MAX_SMALL, Choice, by_size, choose
from service.runtime.chooser import Chooser
from service.runtime.memory import FOLDER, KEPT, Memory
from tests.service.stand_in import write_bundle

SPEC = ModelSpec.parse(
    {
        "inputs": {"text": {"kind": "text"}},
        "branches": {"text": {"kind": "embedding"}},
        "heads": {
            "one": {"kind": "single_label", "labels": ["a", "b"]},
            "many": {"kind": "multi_label", "labels": ["x", "y"]},
        },
    },
    what="spec",
)
EXPECTED: Answers = {
    "one": np.array([[0.7, 0.3], [0.495, 0.505]], np.float32),
    "many": np.array([[0.7, 0.3], [0.9, 0.61]], np.float32),
}
THRESHOLDS = {"many": np.array([0.5, 0.6], np.float32)}
AGREEMENT = Agreement({"text": np.array(["first", "second"], object)}, EXPECTED, SPEC, THRESHOLDS)


def repeated(answers: Answers, tensors: Tensors) -> Answers:
    """As many answers as were asked for."""
    size = len(tensors["text"])
    return {head: np.resize(values, (size, values.shape[1])) for head, values in answers.items()}


class Clock:
    """Stands still but for those who take their time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def backend(self, *, first_s: float, each_s: float = 0.0, answers: Answers = EXPECTED) -> Backend:
        """One whose call takes some time, and more for every example."""

        def answer(tensors: Tensors) -> Answers:
            self.now += first_s + each_s * len(tensors["text"])
            return repeated(answers, tensors)

        return answer


def chosen(clock: Clock, **backends: Backend) -> Choice:
    made = {name.replace("_", "-"): (lambda backend=backend: backend) for name, backend in backends.items()}
    return choose(made, AGREEMENT, clock=clock)[0]


def other(head: str, row: int, column: int, value: float) -> Answers:
    """The golden answers but for one probability."""
    answers = {name: values.copy() for name, values in EXPECTED.items()}
    answers[head][row, column] = value
    return answers


def test_the_fastest_is_chosen_and_the_log_has_its_reasons() -> None:
    clock = Clock()
    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.004, each_s=0.001),
        frozen_float32=clock.backend(first_s=0.004, each_s=0.0005),
        openvino_float32=clock.backend(first_s=0.001, each_s=0.0009),
    )

    assert (choice.small, choice.large) == ("openvino-float32", "frozen-float32")
    assert str(choice) == (
        "openvino-float32, batches over 4 by frozen-float32 (a batch of 1 and 16: tensorflow-float32 5.0 and 20.0 ms, frozen-float32 4.5 and 12.0 ms, "
        "openvino-float32 1.9 and 15.4 ms)"
    )


def test_one_that_is_hardly_faster_is_not_worth_it() -> None:
    clock = Clock()
    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.0105),
        frozen_float32=clock.backend(first_s=0.01),
    )

    assert (choice.small, choice.large) == (AS_SAVED, AS_SAVED)


def test_a_slow_model_keeps_large_batches_and_takes_no_longer_than_it_must() -> None:
    clock = Clock()
    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.1, each_s=0.5),
        frozen_float32=clock.backend(first_s=0.1, each_s=0.4),
    )

    assert (choice.small, choice.large) == ("frozen-float32", AS_SAVED)
    assert choice.seconds["frozen-float32"] == pytest.approx((0.5,))
    assert clock.now < ENOUGH_S + 1.2


def test_what_was_measured_but_once_is_not_remembered() -> None:
    clock = Clock()
    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.7),
        frozen_float32=clock.backend(first_s=0.5),
    )

    assert choice.small == "frozen-float32"
    assert not choice.is_lasting


def test_what_was_measured_but_once_and_is_far_ahead_is_remembered() -> None:
    clock = Clock()
    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.7),
        frozen_float32=clock.backend(first_s=0.4),
    )

    assert choice.small == "frozen-float32"
    assert choice.is_lasting


def test_a_little_more_time_is_taken_for_three_rounds() -> None:
    clock = Clock()
    times = iter([0.01, 0.01, 0.01, 0.2])  # three checks, and a first round that is disturbed

    def disturbed(tensors: Tensors) -> Answers:
        clock.now += next(times, 0.01)
        return repeated(EXPECTED, tensors)

    def made() -> Backend:
        clock.now += ENOUGH_S
        return disturbed

    candidates = {AS_SAVED: lambda: clock.backend(first_s=0.02), "openvino-int8": made}
    choice = choose(candidates, AGREEMENT, clock=clock)[0]

    assert (choice.small, choice.large) == ("openvino-int8", "openvino-int8")
    assert choice.is_lasting


def test_large_batches_of_a_rather_slow_model_are_smaller_ones() -> None:
    clock = Clock()
    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0, each_s=0.05),
        openvino_int8=clock.backend(first_s=0.1, each_s=0.02),
    )

    assert (choice.small, choice.large) == (AS_SAVED, "openvino-int8")
    assert "(a batch of 1 and 8: tensorflow-float32 50.0 and 400.0 ms, openvino-int8 120.0 and 260.0 ms)" in str(choice)


def test_what_there_is_no_time_for_is_left_out_and_that_is_not_remembered() -> None:
    clock = Clock()
    slow = clock.backend(first_s=ENOUGH_S)
    choice = chosen(clock, tensorflow_float32=slow, frozen_float32=slow)

    assert choice.refused == {"frozen-float32": "no time left to try it"}
    assert not choice.is_lasting


def test_what_is_gained_is_remembered_though_there_was_no_time_for_all() -> None:
    clock = Clock()

    def fast() -> Backend:
        clock.now += ENOUGH_S
        return clock.backend(first_s=0.001)

    slow = clock.backend(first_s=0.01)
    candidates = {AS_SAVED: lambda: slow, "openvino-int8": fast, "frozen-float32": lambda: slow}
    choice = choose(candidates, AGREEMENT, clock=clock)[0]

    assert (choice.small, choice.large) == ("openvino-int8", "openvino-int8")
    assert choice.refused == {"frozen-float32": "no time left to try it"}
    assert choice.is_lasting


def test_faster_and_wrong_or_broken_is_refused() -> None:
    clock = Clock()

    def broken(tensors: Tensors) -> Answers:
        if len(tensors["text"]) == 2:
            return EXPECTED
        raise RuntimeError("Exception from src/core.cpp:107:\nno such operation\nand more")

    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.01),
        frozen_float32=clock.backend(first_s=0.001, answers=other("one", 0, 0, 0.701)),
        openvino_float32=broken,
    )

    assert (choice.small, choice.large) == (AS_SAVED, AS_SAVED)
    assert choice.refused == {
        "frozen-float32": "probabilities of 'one' differ by 0.001; at most 0.0001 may",
        "openvino-float32": "no such operation",
    }
    assert not choice.is_lasting  # another time it may work


@pytest.mark.parametrize(
    ("name", "answers", "message"),
    [
        ("frozen-float32", other("many", 0, 0, 0.7002), "differ by 0.0002; at most 0.0001 may"),
        ("frozen-bfloat16", other("many", 0, 0, 0.73), "differ by 0.03; at most 0.02 may"),
        ("frozen-bfloat16", other("one", 0, 0, float("nan")), "differ by nan"),
        ("frozen-bfloat16", other("one", 1, 0, 0.51), "labels of 'one' change"),
        ("frozen-bfloat16", other("many", 1, 1, 0.595), "labels of 'many' change"),
        ("frozen-bfloat16", {**EXPECTED, "one": EXPECTED["one"][:, :1]}, r"has the shape \(2, 1\), not \(2, 2\)"),
    ],
)
def test_what_disagrees_is_told(name: BackendName, answers: Answers, message: str) -> None:
    with pytest.raises(DisagreementError, match=message):
        AGREEMENT.check(name, lambda _: answers)


def test_less_precision_may_differ_a_little() -> None:
    AGREEMENT.check("frozen-bfloat16", lambda _: other("many", 0, 0, 0.715))


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return Bundle(write_bundle(tmp_path))


def candidates(asked: list[str]) -> dict[BackendName, Callable[[], Backend]]:
    """Two that answer what is expected; who is made is noted."""

    def make(name: str) -> Backend:
        asked.append(name)
        return lambda tensors: repeated(EXPECTED, tensors)

    return {AS_SAVED: lambda: make(AS_SAVED), "frozen-float32": lambda: make("frozen-float32")}


def test_a_choice_is_made_once_for_a_model_and_a_machine(bundle: Bundle, tmp_path: Path) -> None:
    asked: list[str] = []
    memory = Memory(tmp_path / "state")
    Chooser("auto", memory=memory).choose(bundle, candidates(asked), AGREEMENT)
    assert asked == [AS_SAVED, "frozen-float32"]
    (key,) = (file.stem for file in (tmp_path / "state" / FOLDER).iterdir())
    for names in (["frozen-float32", "frozen-float32"], ["frozen-float32", AS_SAVED]):
        asked.clear()
        memory.keep(key, names)
        Chooser("auto", memory=memory).choose(bundle, candidates(asked), AGREEMENT)
        assert asked == list(dict.fromkeys(names))
    asked.clear()
    Chooser("auto", memory=memory, conditions={"intra_op": 2}).choose(bundle, candidates(asked), AGREEMENT)

    assert asked == [AS_SAVED, "frozen-float32"]  # with other threads it may be another


def test_a_version_with_other_weights_is_not_measured_again(bundle: Bundle, tmp_path: Path) -> None:
    asked: list[str] = []
    memory = Memory(tmp_path / "state")
    Chooser("auto", memory=memory).choose(bundle, candidates(asked), AGREEMENT)
    (file,) = (tmp_path / "state" / FOLDER).iterdir()
    file.write_text('["frozen-float32"]')
    asked.clear()
    retrained = Bundle(write_bundle(tmp_path, version=2, offset=0.1))
    Chooser("auto", memory=memory).choose(retrained, candidates(asked), AGREEMENT)

    assert asked == ["frozen-float32"]


def test_what_is_remembered_has_to_agree_still(bundle: Bundle, tmp_path: Path) -> None:
    memory, asked = Memory(tmp_path / "state"), list[str]()
    Chooser("auto", memory=memory).choose(bundle, candidates(asked), AGREEMENT)
    (key,) = (file.stem for file in (tmp_path / "state" / FOLDER).iterdir())
    memory.keep(key, ["frozen-float32"])
    wrong = {head: values + np.float32(0.1) for head, values in EXPECTED.items()}
    offered = candidates(asked) | {"frozen-float32": lambda: lambda tensors: repeated(wrong, tensors)}
    Chooser("auto", memory=memory).choose(bundle, offered, AGREEMENT)

    # For these weights the other is remembered, and for others of the same network still what it was.
    assert memory.recall(key) == ["frozen-float32"]
    (own,) = (file.stem for file in (tmp_path / "state" / FOLDER).iterdir() if file.stem != key)
    assert memory.recall(own) == [AS_SAVED, AS_SAVED]
    asked.clear()
    Chooser("auto", memory=memory).choose(bundle, candidates(asked), AGREEMENT)
    assert asked == [AS_SAVED]


def test_each_kind_of_batch_goes_to_its_backend() -> None:
    backend = by_size(lambda tensors: {"small": tensors["x"]}, lambda tensors: {"large": tensors["x"]})
    names = [next(iter(backend({"x": np.zeros(size, np.float32)}))) for size in (1, MAX_SMALL, MAX_SMALL + 1)]

    assert names == ["small", "small", "large"]


def test_one_that_is_told_is_taken_or_refused(bundle: Bundle) -> None:
    asked: list[str] = []
    offered = candidates(asked)
    Chooser("frozen-float32").choose(bundle, offered, AGREEMENT)
    assert asked == ["frozen-float32"]
    with pytest.raises(
        BundleError, match="backend openvino-float32 is not there for 1; it has tensorflow-float32, fro"
    ):
        Chooser("openvino-float32").choose(bundle, offered, AGREEMENT)
    offered["frozen-float32"] = lambda: lambda _: other("one", 1, 0, 0.51)
    with pytest.raises(BundleError, match=r"can't be used for 1: probabilities of 'one' differ by 0\.015"):
        Chooser("frozen-float32").choose(bundle, offered, AGREEMENT)


def test_float32_leaves_out_what_has_another_precision(bundle: Bundle) -> None:
    asked: list[str] = []
    offered = candidates(asked)
    offered["frozen-bfloat16"] = offered["frozen-float32"]
    Chooser("auto", precision="float32").choose(bundle, offered, AGREEMENT)

    assert asked == [AS_SAVED, "frozen-float32"]


def test_a_frozen_graph_does_not_compete_with_openvino(bundle: Bundle) -> None:
    asked: list[str] = []
    offered = candidates(asked)
    saved = offered[AS_SAVED]

    def openvino() -> Backend:
        asked.append("openvino-float32")
        return saved()

    offered["openvino-float32"] = openvino
    Chooser("auto").choose(bundle, offered, AGREEMENT)

    assert "openvino-float32" in asked
    assert "frozen-float32" not in asked


@pytest.mark.parametrize("backend", ["auto", AS_SAVED])
@pytest.mark.parametrize("others", [True, False])
def test_the_model_as_it_was_saved_has_to_agree_too(
    bundle: Bundle, backend: Literal["auto", "tensorflow-float32"], others: bool
) -> None:
    wrong = other("one", 0, 0, 0.701)
    offered = {AS_SAVED: lambda: lambda tensors: repeated(wrong, tensors)}
    if others:
        offered = candidates([]) | offered

    with pytest.raises(BundleError, match=r"backend tensorflow-float32 can't be used for 1: probabilities of 'one'"):
        Chooser(backend).choose(bundle, offered, AGREEMENT)


def test_the_model_as_it_was_saved_may_change_a_label_by_rounding() -> None:
    near = {**EXPECTED, "one": np.array([[0.49999, 0.50001]] * 2, np.float32)}
    agreement = Agreement(AGREEMENT.tensors, near, SPEC, THRESHOLDS)
    turned = {**near, "one": near["one"][:, ::-1]}
    agreement.check(AS_SAVED, lambda _: turned)
    with pytest.raises(DisagreementError, match="labels of 'one' change"):
        agreement.check("frozen-float32", lambda _: turned)


def test_a_memory_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    for number in range(KEPT):
        memory.keep(f"key{number}", ["frozen-float32"])
        os.utime(tmp_path / FOLDER / f"key{number}.json", (number, number))
    assert memory.recall("key0") == ["frozen-float32"]
    memory.keep("another", [AS_SAVED])

    assert memory.recall("key0") == ["frozen-float32"]
    assert memory.recall("key1") is None
    assert len(list((tmp_path / FOLDER).iterdir())) == KEPT


@pytest.mark.parametrize("damaged", ["{", "{}", "[]", "[3]"])
def test_a_damaged_memory_is_none(tmp_path: Path, damaged: str) -> None:
    Memory(tmp_path).keep("key", [AS_SAVED])
    (tmp_path / FOLDER / "key.json").write_text(damaged)

    assert Memory(tmp_path).recall("key") is None


def test_a_memory_that_cannot_be_written_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.INFO, "bifocal"):
        Memory(tmp_path / "file").keep("key", [AS_SAVED])

    assert "can't be kept in" in caplog.text


def test_bfloat16_needs_units_for_it_and_onednn(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A 3\nflags\t\t: avx2 amx_bf16\n\nprocessor\t: 1\n")
    cpu = Cpu.found(tmp_path / "cpuinfo")

    assert cpu == Cpu("A 3", frozenset({"avx2", "amx_bf16"}))
    assert cpu.has_bfloat16({})
    assert not cpu.has_bfloat16({"TF_ENABLE_ONEDNN_OPTS": "0"})
    assert not Cpu("B", frozenset({"avx2"})).has_bfloat16({})
