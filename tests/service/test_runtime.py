"""A real bundle in TensorFlow: loaded, checked and called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.bundle import Bundle, Metadata, write_extra
from model.errors import BundleError
from model.examples import DecodedExample, Tensors, decode
from model.golden import Golden
from service.backends import BackendName
from service.engine import Engine
from service.runtime import Chooser, Runtime
from service.runtime.halves import Halves
from service.runtime.openvino_core import core
from service.settings import Settings
from service.store import Store
from service.threads import Threads
from tests.native import needs_native
from tests.service.stand_in import picture
from training.fit import Fitted

EXAMPLES = (
    {"image": picture((220, 30, 30)), "text": "a tomato", "tags": "redish,thing"},
    {"text": "grass, and a leaf that is far longer than the others, so that this one sets the padding of the batch"},
    {"image": picture("blue", size=(300, 8))},
    {"tags": "blueish"},
    {},
    {"text": "!?\0", "tags": ",,,"},
)

WINOGRAD = pytest.param("winograd-float32", marks=needs_native)


@pytest.fixture(scope="module")
def bundle(tiny_fitted: Fitted) -> Bundle:
    return Bundle(tiny_fitted.published)


@pytest.fixture(scope="module")
def runtime(bundle: Bundle) -> Runtime:
    return Runtime(bundle)


@pytest.fixture
def changed(bundle: Bundle, tmp_path: Path) -> Callable[..., Path]:
    """Puts a version 2 beside a version 1 of the bundle: undamaged, but with other contents."""

    def change(spec: dict[str, Any] | None = None, offset: float = 0, without: str = "") -> Path:
        golden = bundle.golden()
        shutil.copytree(bundle.path, tmp_path / "tiny" / "1")
        ignored = shutil.ignore_patterns("assets.extra")
        directory = Path(shutil.copytree(bundle.path, tmp_path / "tiny" / "2", ignore=ignored))
        if without:
            (directory / without).unlink()
        metadata = bundle.metadata.model_dump() | ({"spec": spec} if spec else {})
        probabilities = {head: values + np.float32(offset) for head, values in golden.probabilities.items()}
        write_extra(directory, Metadata.parse(metadata, what="metadata"), Golden(golden.examples, probabilities), {})
        return directory

    return change


def decoded(bundle: Bundle, *examples: Any) -> list[DecodedExample]:
    return [decode(bundle.spec, example) for example in examples or EXAMPLES]


def test_each_example_has_a_float32_distribution_over_the_labels(runtime: Runtime, bundle: Bundle) -> None:
    for answer in runtime.predict(decoded(bundle)):
        assert answer.keys() == {"colour"}
        assert (answer["colour"].shape, answer["colour"].dtype) == ((3,), np.float32)
        assert answer["colour"].sum() == pytest.approx(1, abs=1e-6)


def test_company_in_a_batch_changes_no_answer(runtime: Runtime, bundle: Bundle) -> None:
    examples = decoded(bundle)
    alone = [runtime.predict([example])[0]["colour"] for example in examples]

    for batch in (examples, examples[::-1], examples * 5):
        for example, answer in zip(batch, runtime.predict(batch), strict=True):
            expected = alone[next(i for i, one in enumerate(examples) if one is example)]
            np.testing.assert_allclose(answer["colour"], expected, atol=1e-5)


def test_the_golden_examples_come_out_as_training_had_them(runtime: Runtime, bundle: Bundle) -> None:
    golden = bundle.golden()
    answers = runtime.predict(decoded(bundle, *golden.examples))

    assert golden.check({"colour": np.stack([answer["colour"] for answer in answers])}) <= 1e-5


def test_every_input_counts(runtime: Runtime, bundle: Bundle) -> None:
    answers = [answer["colour"] for answer in runtime.predict(decoded(bundle, *EXAMPLES[:5]))]

    for first, one in enumerate(answers):
        for other in answers[first + 1 :]:
            assert np.abs(one - other).max() > 1e-4


def test_warming_up_runs_each_size_and_an_explanation(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, int]] = []
    for name in ("_serve", "_explain"):
        signature = getattr(runtime, name)

        def spied(batch: Any, name: str = name, signature: Any = signature) -> Any:
            ran.append((name, len(batch["text"])))
            return signature(batch)

        monkeypatch.setattr(runtime, name, spied)
    runtime.warm_up((1, 7))

    assert ran == [("_serve", 1), ("_serve", 7), ("_explain", 1)]


def test_a_model_that_cannot_explain_is_refused(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_explain", lambda _: {})

    with pytest.raises(BundleError, match=r"^The model can't explain its answers: 'probability'"):
        runtime.warm_up((1,))


def test_what_tensorflow_cannot_read_is_a_bundle_error(changed: Callable[..., Path]) -> None:
    bundle = Bundle(changed(without="saved_model.pb"))

    with pytest.raises(BundleError, match=r"^TensorFlow can't load 2: "):
        Runtime(bundle)


def test_a_missing_vocabulary_is_a_bundle_error(changed: Callable[..., Path]) -> None:
    bundle = Bundle(changed(without="assets/text.txt"))

    with pytest.raises(BundleError, match=r"^TensorFlow can't load 2: "):
        Runtime(bundle)


def test_a_model_that_disagrees_with_its_golden_examples_is_refused(changed: Callable[..., Path]) -> None:
    bundle = Bundle(changed(offset=0.002))

    with pytest.raises(BundleError, match=r"disagrees with its own golden examples: probabilities differ by 0\.002"):
        Runtime(bundle)


def test_a_store_falls_back_to_the_version_that_agrees(changed: Callable[..., Path]) -> None:
    models = changed(offset=0.002).parents[1]
    with ThreadPoolExecutor(1) as decoders:
        store = store_of(models, decoders)
        with store.lease(None, None) as served:
            (answer,) = served.engine.pipeline.submit([{"text": "a tomato"}], time.monotonic() + 30).result()
        states = {one.version: one.state for one in store.states("tiny")}
        store.close()

    assert states == {1: "ready", 2: "refused"}
    assert answer.probabilities["colour"].shape == (3,)
    assert answer.absent == ("image", "tags")


def more_labels(spec: dict[str, Any]) -> None:
    spec["heads"]["colour"]["labels"] = ("blue", "green", "red", "white")


def other_input(spec: dict[str, Any]) -> None:
    spec["inputs"]["title"] = spec["inputs"].pop("text")
    spec["branches"]["title"] = spec["branches"].pop("text")


def other_size(spec: dict[str, Any]) -> None:
    spec["inputs"]["image"]["height"] = 16


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (more_labels, "Head 'colour' has 4 labels, but the model gives 3 probabilities."),
        (other_input, "The golden examples golden.npz can't be read"),
        (other_size, "The model disagrees with its own golden examples"),
    ],
)
def test_a_network_that_does_not_fit_its_metadata_is_refused(
    change: Callable[[dict[str, Any]], None], reason: str, changed: Callable[..., Path], bundle: Bundle
) -> None:
    spec = bundle.spec.model_dump()
    change(spec)
    with ThreadPoolExecutor(1) as decoders:
        store = store_of(changed(spec=spec).parents[1], decoders)
        one, two = store.states("tiny")
        store.close()

    assert (one.state, two.state) == ("ready", "refused")
    assert (two.reason or "").startswith(reason)


def store_of(models: Path, decoders: Executor) -> Store[Engine]:
    """A store of real models that has looked once."""
    settings = Settings(max_batch_size=4)

    def open_engine(bundle: Bundle) -> Engine:
        return Engine(bundle, Runtime(bundle), settings=settings, threads=Threads.chosen(settings), decoders=decoders)

    store = Store(models, open_engine, keep_versions=2)
    store.load()
    return store


def test_what_cannot_be_loaded_is_refused_without_a_path_of_the_machine(changed: Callable[..., Path]) -> None:
    bundle = Bundle(changed(without="saved_model.pb"))

    with pytest.raises(BundleError) as refusal:
        Runtime(bundle)
    assert str(bundle.path.parent) not in str(refusal.value)


@pytest.mark.parametrize("name", ["frozen-float32", "openvino-float32", WINOGRAD])
def test_every_backend_answers_and_explains_as_the_model_that_was_saved(
    name: BackendName, bundle: Bundle, runtime: Runtime
) -> None:
    examples = [decode(bundle.spec, example) for example in EXAMPLES]
    other = Runtime(bundle, Chooser(name), threads=2)

    for count in (1, 6, 2):
        expected, given = runtime.predict(examples[:count]), other.predict(examples[:count])
        for one, two in zip(expected, given, strict=True):
            np.testing.assert_allclose(two["colour"], one["colour"], atol=1e-5)
    with ThreadPoolExecutor(4) as threads:  # each with a request of its own
        for one in threads.map(other.predict, [examples[:2]] * 12):
            np.testing.assert_allclose(one[1]["colour"], expected[1]["colour"], atol=1e-5)
    explained = (one.explain(examples[0], {"colour": 1})["colour"] for one in (runtime, other))
    assert len({repr(one.shares) for one in explained}) == 1


@pytest.mark.parametrize("name", ["openvino-float32", WINOGRAD, "tensorflow-float32"])
def test_what_was_prepared_changes_no_answer(name: BackendName, bundle: Bundle, runtime: Runtime) -> None:
    other = Runtime(bundle, Chooser(name))
    for example in EXAMPLES:
        (expected,) = runtime.predict(decoded(bundle, example))
        for prepared in (example, EXAMPLES[3], EXAMPLES[0]):  # the same, and other words, and words longer than these
            other.prepare(prepared)
            (given,) = other.predict(decoded(bundle, example))
            np.testing.assert_allclose(given["colour"], expected["colour"], atol=1e-5)
        other.prepare(example)
        many = other.predict(decoded(bundle))
        np.testing.assert_allclose(many[0]["colour"], runtime.predict(decoded(bundle))[0]["colour"], atol=1e-5)


def test_words_that_were_prepared_are_not_encoded_again(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    other, encoded = Runtime(bundle, Chooser("openvino-float32")), []
    original = Halves._encoded

    def counted(halves: Halves, words: Tensors) -> Tensors:
        encoded.append(len(words["text"]))
        return original(halves, words)

    monkeypatch.setattr(Halves, "_encoded", counted)
    (one,) = decoded(bundle, EXAMPLES[0])
    with ThreadPoolExecutor(1) as another:  # whichever of the model's threads it is that has time
        another.submit(other.prepare, EXAMPLES[0]).result()
    other.predict([one])
    assert encoded == [1]
    other.predict([one])  # remembered for one call only
    other.prepare(EXAMPLES[0])
    other.predict([one, one])
    assert encoded == [1, 1, 1, 2]


def test_openvino_has_one_core(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    core()
    monkeypatch.setattr("openvino.Core", None)
    Runtime(bundle, Chooser("openvino-int8"))


def test_int8_rounds_a_little(bundle: Bundle, runtime: Runtime) -> None:
    golden = decoded(bundle, *bundle.golden().examples)
    names: tuple[BackendName, ...] = ("openvino-float32", "openvino-int8")
    saved, exact, rounded = (
        np.stack([answer["colour"] for answer in one.predict(golden)])
        for one in (runtime, *(Runtime(bundle, Chooser(name), threads=2) for name in names))
    )

    assert not np.array_equal(rounded, exact)
    assert np.abs(rounded - saved).max() <= 0.02


def test_frozen_in_bfloat16_it_agrees(bundle: Bundle) -> None:
    """On a CPU without units for it, nothing is computed in bfloat16."""
    import tensorflow as tf

    from service.runtime.saved_model import frozen

    loaded = tf.saved_model.load(str(bundle.path))
    answers = frozen(loaded.signatures["serving_default"], bfloat16=True)(bundle.golden().tensors(bundle.spec))

    np.testing.assert_allclose(answers["colour"], bundle.golden().probabilities["colour"], atol=0.02)


@pytest.mark.slow
def test_openvino_tells_nobody_of_what_it_converts(bundle: Bundle, tmp_path: Path) -> None:
    code = f"""import os, pathlib
from model.bundle import Bundle
from service.runtime import Chooser, Runtime
os.fork = lambda: os._exit(3)
Runtime(Bundle(pathlib.Path({str(bundle.path)!r})), Chooser("openvino-float32"))
"""
    home = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=home, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "intel").exists()
