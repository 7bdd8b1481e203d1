"""The pieces that a comparison is made of."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from model.errors import StorageError
from model.spec import MultiLabelHead, SingleLabelHead
from tests import tiny
from training.comparison import ensemble, fingerprint, latency
from training.comparison.baseline import Baseline, Linear
from training.comparison.metric import Metric
from training.comparison.parts import Measured, Parts, at_work
from training.prepare import Prepared, prepare
from training.progress import Reporter

HOLDS = """
import sys, pathlib
from training.comparison.parts import at_work
with at_work(pathlib.Path(sys.argv[1])):
    print("here", flush=True)
    sys.stdin.read()
"""
MEASURED = Measured(
    seed=3,
    seconds=1.5,
    parameters=42,
    chosen={"epoch": 2},
    validation={"topic": np.array([[0.25, 0.75]], np.float32)},
    test={"topic": np.array([[0.5, 0.5], [1.0, 0.0]], np.float32)},
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    home = tmp_path_factory.mktemp("parts")
    return prepared(tiny.write_manifest(home / "data"), home / "cache")


def prepared(manifest: Path, cache: Path) -> Prepared:
    return prepare(tiny.recipe(manifest), cache_dir=cache, reporter=Reporter(Console(file=io.StringIO())))


def digest_of(data: Prepared, reporter: Reporter) -> str:
    with reporter.task("Reading") as task:
        return fingerprint.of_data(data, task)


def test_what_is_left_out_of_the_code_is_there() -> None:
    home = Path(fingerprint.__file__).parents[1]

    assert [name for name in fingerprint._NO_PART_IN_IT if not (home / name).is_dir()] == []


def test_a_part_of_other_data_is_not_found_but_known_of(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "parts")
    assert not parts.has_another("words, linear", 3)
    parts.keep("words, linear", "d1", MEASURED)

    assert parts.find("words, linear", 3, "d2") is None
    assert parts.has_another("words, linear", 3)
    assert not parts.has_another("words", 3)
    assert not parts.has_another("words, linear", 4)


def test_a_part_is_found_again_as_it_was_kept(tmp_path: Path) -> None:
    Parts(tmp_path / "parts").keep("words, linear", "d1", MEASURED)

    found = Parts(tmp_path / "parts").find("words, linear", 3, "d1")

    assert found is not None
    assert (found.seed, found.seconds, found.parameters, found.chosen) == (3, 1.5, 42, {"epoch": 2})
    assert found.validation["topic"].tolist() == MEASURED.validation["topic"].tolist()
    assert found.test["topic"].dtype == np.float32


@pytest.mark.parametrize(("name", "seed", "digest"), [("words", 3, "d1"), ("gated", 4, "d1"), ("gated", 3, "d2")])
def test_a_part_of_anything_else_is_not_found(tmp_path: Path, name: str, seed: int, digest: str) -> None:
    parts = Parts(tmp_path)
    parts.keep("gated", "d1", MEASURED)

    assert parts.find(name, seed, digest) is None


@pytest.mark.parametrize("file", ["part.json", "logits.npz"])
def test_a_damaged_part_counts_as_none_and_is_kept_anew(tmp_path: Path, file: str) -> None:
    parts = Parts(tmp_path)
    parts.keep("gated", "d1", MEASURED)
    next(tmp_path.glob(f"*/{file}")).write_bytes(b"{")

    assert parts.find("gated", 3, "d1") is None
    parts.keep("gated", "d1", MEASURED)
    assert parts.find("gated", 3, "d1") is not None


def test_a_part_of_another_form_counts_as_none(tmp_path: Path) -> None:
    """One of before logits were kept has probabilities, of which it is not known how sure the network was."""
    parts = Parts(tmp_path)
    parts.keep("gated", "d1", MEASURED)
    (kept,) = tmp_path.glob("*/logits.npz")
    kept.rename(kept.with_name("probabilities.npz"))

    assert parts.find("gated", 3, "d1") is None
    parts.keep("gated", "d1", MEASURED)
    assert [file.name for file in sorted(kept.parent.iterdir())] == ["logits.npz", "part.json"]


def test_a_second_comparison_in_a_folder_is_told_which_process_is_at_work(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "compare-tiny"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "here\n"
        expected = rf"being made in {out} by process {other.pid} already\. Wait .* another folder with --out\.$"
        with pytest.raises(StorageError, match=expected), at_work(out):
            pass
        with at_work(tmp_path / "runs" / "compare-other"):
            other.kill()

    with at_work(out):
        pass


def test_a_folder_that_can_not_be_made_is_told_with_the_option_that_changes_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    expected = r"file/out can't be made: Not a directory\. Choose another folder with --out"
    with pytest.raises(StorageError, match=expected), at_work(tmp_path / "file" / "out"):
        pass


def test_a_folder_that_can_not_be_written_is_told_with_the_option_that_changes_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match=r"Not a directory\. Make room, or choose another folder with --out"):
        Parts(tmp_path / "file" / "parts").keep("gated", "d1", MEASURED)


def test_small_things_are_remembered_by_digest(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.remember("latency", "d1", {"gated": 1.5})

    assert parts.recall("latency", "d1") == {"gated": 1.5}
    assert parts.recall("latency", "d2") is None


def test_the_digest_of_the_data_changes_with_a_single_pixel(data: Prepared, reporter: Reporter, tmp_path: Path) -> None:
    from PIL import Image

    manifest = tiny.write_manifest(tmp_path / "data")
    same = digest_of(prepared(manifest, tmp_path / "cache"), reporter)
    with Image.open(tmp_path / "data" / "images" / "0.png") as picture:
        picture.putpixel((0, 0), (0, 0, 0))
        picture.save(tmp_path / "data" / "images" / "0.png")

    assert same == digest_of(data, reporter)
    assert digest_of(prepared(manifest, tmp_path / "cache"), reporter) != same


def test_a_digest_does_not_hang_on_the_order_of_keys() -> None:
    assert fingerprint.digest({"a": 1, "b": 2}) == fingerprint.digest({"b": 2, "a": 1})
    assert fingerprint.digest({"a": 1, "b": 2}) != fingerprint.digest({"a": 2, "b": 1})


def test_files_that_a_training_starts_from_are_told_by_size_and_time(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "vectors.txt").write_text("one")
    before = fingerprint.of_files([tmp_path, tmp_path / "gone"])
    (tmp_path / "deep" / "vectors.txt").write_text("other")

    assert [entry[1] for entry in before] == [3]
    assert fingerprint.of_files([tmp_path]) != before


def test_the_baseline_reads_texts_and_tags(data: Prepared) -> None:
    baseline = Baseline.learn(data, ["colour"], Metric().rank)

    probabilities = baseline.probabilities(data.test)["colour"]

    assert probabilities.shape == (len(data.test), 3)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (probabilities.argmax(axis=1) == data.test.targets["colour"]).mean() == 1  # the tags say it
    (tags,) = baseline.features.vectorizers["tags"]
    assert set(tags.vocabulary_) == {"redish", "greenish", "blueish", "thing"}
    assert len(baseline.features.vectorizers["text"]) == 2  # words and runs of characters
    assert baseline.parameters == 3 * (baseline.features(data.test).shape[1] + 1)


def test_the_baseline_answers_one_example_as_it_answers_many(data: Prepared) -> None:
    baseline = Baseline.learn(data, ["colour"], Metric().rank, {"colour": 1.0})

    one = baseline.answer(data.test.batch(np.array([2])))["colour"]

    assert baseline.strengths == {"colour": 1.0}
    assert one[0] == pytest.approx(baseline.probabilities(data.test)["colour"][2])


def test_a_label_that_is_never_given_in_training_gets_no_probability() -> None:
    head = MultiLabelHead(labels=("a", "b", "c"))
    features = np.array([[0.0], [1.0], [0.0], [1.0]])
    targets = np.array([[False, False, True], [True, False, True]] * 2)

    probabilities = Linear.learn(head, features, targets, 100.0)(features)

    assert probabilities[:, 1].tolist() == [0, 0, 0, 0]
    assert probabilities[:, 2].tolist() == [1, 1, 1, 1]
    assert (probabilities[:, 0] > 0.5).tolist() == [False, True, False, True]


def test_the_average_is_the_mean() -> None:
    both = ensemble.average(np.array([[0.2, 0.8]], np.float32), np.array([[0.6, 0.4]], np.float32))

    assert both == pytest.approx(np.array([[0.4, 0.6]]))


def test_the_product_is_made_to_sum_to_one_again() -> None:
    head = SingleLabelHead(labels=("a", "b", "c"))

    both = ensemble.product(head, np.array([[0.5, 0.4, 0.1]], np.float32), np.array([[0.2, 0.6, 0.2]], np.float32))

    assert both == pytest.approx(np.array([[0.10, 0.24, 0.02]]) / 0.36, rel=1e-5)


def test_the_product_of_a_label_is_over_its_being_given_and_not() -> None:
    head = MultiLabelHead(labels=("a", "b"))

    both = ensemble.product(head, np.array([[0.8, 0.5]], np.float32), np.array([[0.7, 0.3]], np.float32))

    assert both == pytest.approx(np.array([[0.56 / (0.56 + 0.06), 0.3]]), rel=1e-5)


def test_one_that_is_quite_sure_does_not_silence_the_other() -> None:
    head = SingleLabelHead(labels=("a", "b"))

    both = ensemble.product(head, np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32))

    assert both == pytest.approx(np.array([[0.5, 0.5]]))


def test_latency_is_the_median_of_turns() -> None:
    def ticks() -> Iterator[float]:
        now = 0.0
        for turn in range(5):
            for milliseconds in (1, 100 if turn == 0 else 3):  # the second model, and once it is slow
                yield now
                now += milliseconds / 1000
                yield now

    calls: list[str] = []
    clock = ticks()

    found = latency.milliseconds(
        {"one": lambda: calls.append("one"), "two": lambda: calls.append("two")}, turns=5, clock=lambda: next(clock)
    )

    assert found == pytest.approx({"one": 1, "two": 3})
    assert calls[-4:] == ["one", "two", "one", "two"]
