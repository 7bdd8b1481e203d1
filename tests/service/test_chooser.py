"""Which backend answers: one that is told, one that was chosen before, or the fastest."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from model.bundle import Bundle
from model.errors import BundleError
from service.backends import AS_SAVED, Backend, BackendName
from service.runtime.chooser import Chooser
from service.runtime.memory import FOLDER, Memory
from tests.service.golden_answers import AGREEMENT, EXPECTED, other, repeated
from tests.service.stand_in import write_bundle


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


def test_the_log_says_which_answers_and_whether_it_was_chosen_now(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="bifocal")
    memory = Memory(tmp_path / "state")
    for _ in range(2):
        Chooser("auto", memory=memory).choose(bundle, candidates([]), AGREEMENT)

    now, before = (record.getMessage() for record in caplog.records)
    assert re.fullmatch(
        r"model colours version 1 answers by .* \(a batch of 1 and 16: .*\); choosing took [\d.]+ s", now
    )
    assert re.fullmatch(
        r"model colours version 1 answers by [a-z0-9-]+(, batches over 4 by [a-z0-9-]+)?, as was chosen before", before
    )


def test_one_that_is_told_is_taken_or_refused(bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []
    offered = candidates(asked)
    caplog.set_level(logging.INFO, "bifocal")
    Chooser("frozen-float32").choose(bundle, offered, AGREEMENT)
    assert asked == ["frozen-float32"]
    assert caplog.messages == ["model colours version 1 answers by frozen-float32, as it was told to"]
    with pytest.raises(
        BundleError,
        match=r"backend openvino-float32 is not there for colours version 1, which has .*needs the extra bifocal\[op",
    ):
        Chooser("openvino-float32").choose(bundle, offered, AGREEMENT)
    offered["frozen-float32"] = lambda: lambda _: other("one", 1, 0, 0.51)
    with pytest.raises(
        BundleError, match=r"can't be used for colours version 1: probabilities of 'one' differ by 0\.015"
    ):
        Chooser("frozen-float32").choose(bundle, offered, AGREEMENT)


def test_float32_leaves_out_what_has_another_precision(bundle: Bundle) -> None:
    asked: list[str] = []
    offered = candidates(asked)
    offered["frozen-bfloat16"] = offered["frozen-float32"]
    Chooser("auto", precision="float32").choose(bundle, offered, AGREEMENT)

    assert asked == [AS_SAVED, "frozen-float32"]


@pytest.mark.parametrize("backend", ["auto", AS_SAVED])
@pytest.mark.parametrize("others", [True, False])
def test_the_model_as_it_was_saved_has_to_agree_too(
    bundle: Bundle, backend: Literal["auto", "tensorflow-float32"], others: bool
) -> None:
    wrong = other("one", 0, 0, 0.701)
    offered = {AS_SAVED: lambda: lambda tensors: repeated(wrong, tensors)}
    if others:
        offered = candidates([]) | offered

    with pytest.raises(
        BundleError, match=r"backend tensorflow-float32 can't be used for colours version 1: probabilities of 'one'"
    ):
        Chooser(backend).choose(bundle, offered, AGREEMENT)
