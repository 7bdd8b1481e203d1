"""A training that is broken off goes on to the very weights that it would have ended with."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from model import weights
from model.build import build
from model.encoder import Encoder
from model.errors import ManifestError, SpecError, StoppedError, StorageError
from model.rebuild import vocabulary_sizes
from model.spec import ModelSpec
from tests import tiny
from training.checkpoint import Checkpoint
from training.course import Course
from training.fit import learn_vocabularies, resume
from training.loop import Listener, train
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.request import Request
from training.reuse import Reuse
from training.runs import Run
from training.stopping import Stop
from training.training_settings import TrainingSettings

# With all that has a state: dropouts, an average, branches that thaw, and more than one step an epoch.
SETTINGS = {
    "epochs": 4,
    "batch_size": 8,
    "learning_rate": 0.03,
    "ema_decay": 0.9,
    "init": "somewhere",
    "freeze": ["image"],
    "unfreeze_at_epoch": 3,
}
STEPS_PER_EPOCH = 5


class KilledError(Exception):
    """Ends a training as kill -9 would: nothing is saved."""


@pytest.fixture(scope="module")
def prepared(tiny_manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    reporter = Reporter(Console(file=io.StringIO()))
    data = prepare(tiny.recipe(tiny_manifest), cache_dir=tmp_path_factory.mktemp("cache"), reporter=reporter)
    assert 4 * 8 < len(data.train) <= STEPS_PER_EPOCH * 8
    return data


Go = Callable[..., tuple[Course, list[np.ndarray]]]


def going(prepared: Prepared, spec: ModelSpec, vocabularies: Mapping[str, Path]) -> Go:
    """What trains, or goes on, in what might be a new process: network and dropouts are made from another seed then."""
    seeds = iter(range(100))

    def go(
        file: Path | None = None, *, kill_after: int | None = None, stop: Stop | None = None, **changes: object
    ) -> tuple[Course, list[np.ndarray]]:
        keras.utils.set_random_seed(0 if file is None or not file.exists() else 1 + next(seeds))
        network = build(spec, vocabulary_sizes(vocabularies))

        def after_step(done: int, *_: object) -> None:
            if done == kill_after:
                raise KilledError

        course = train(
            network,
            Encoder(spec, vocabularies),
            spec,
            training=prepared.train.only(spec),
            validation=prepared.val.only(spec),
            settings=TrainingSettings.parse({**SETTINGS, **changes}, what="training"),
            listener=Listener(after_step, lambda *_: None),
            checkpoint=file and Checkpoint(file, every_s=0, clock=lambda: 0.0),  # after every step
            stop=stop,
        )
        return course, network.get_weights()

    return go


@pytest.fixture(scope="module")
def go(prepared: Prepared) -> Go:
    return going(prepared, prepared.recipe.spec.only(["image"]), {})


@pytest.fixture(scope="module")
def uninterrupted(go: Go) -> tuple[Course, list[np.ndarray]]:
    return go()


def figures(course: Course) -> list[tuple[float, ...]]:
    """Of each epoch what does not hang on how fast it went."""
    return [
        (epoch.epoch, epoch.loss, epoch.val_loss, epoch.val_accuracy, epoch.learning_rate, epoch.best)
        for epoch in course.history
    ]


def test_the_final_weights_are_those_of_the_uninterrupted_run_to_the_last_bit(
    go: Go, uninterrupted: tuple[Course, list[np.ndarray]], tmp_path: Path
) -> None:
    file = tmp_path / "model.npz"
    # In an epoch, right before branches thaw, and right after.
    for kill in (3, 2 * STEPS_PER_EPOCH + 1, 2 * STEPS_PER_EPOCH + 2):
        with pytest.raises(KilledError):
            go(file, kill_after=kill)
    course, weights = go(file)
    ended = go(file, kill_after=1)  # no step is made again

    for one, other, again in zip(weights, uninterrupted[1], ended[1], strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, again)
    assert figures(course) == figures(uninterrupted[0])


@pytest.mark.slow
def test_so_are_those_of_merged_words_and_pictures_whose_answers_are_pooled(prepared: Prepared, tmp_path: Path) -> None:
    data = prepared.recipe.spec.model_dump()
    data["heads"]["colour"] |= {"auxiliary_weight": 1.0, "add_auxiliary": True}
    spec = ModelSpec.parse(data, what="spec")
    recipe = prepared.recipe.model_copy(update={"spec": spec})
    vocabularies = learn_vocabularies(replace(prepared, recipe=recipe), Run.create(tmp_path, "tiny"), Reuse(None))
    go, settings = going(prepared, spec, vocabularies), {"init": None, "freeze": [], "unfreeze_at_epoch": None}
    whole, file = go(epochs=3, **settings), tmp_path / "model.npz"

    for kill in (2, STEPS_PER_EPOCH + 3):
        with pytest.raises(KilledError):
            go(file, kill_after=kill, epochs=3, **settings)
    course, found = go(file, epochs=3, **settings)

    for one, other in zip(found, whole[1], strict=True):
        np.testing.assert_array_equal(one, other)
    assert figures(course) == figures(whole[0])


def test_one_that_is_asked_to_stop_finishes_the_step_and_saves(go: Go, tmp_path: Path) -> None:
    stop = Stop()
    stop.asked = 2
    file = tmp_path / "model.npz"
    with pytest.raises(StoppedError, match=r"^Stopped in epoch 1 after step 1\.") as caught:
        go(file, stop=stop)

    assert caught.value.signal == 2
    assert Checkpoint(file, every_s=1).read_course().step == 1


def test_a_checkpoint_of_another_network_is_refused(go: Go, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        go(tmp_path / "model.npz", kill_after=3)

    with pytest.raises(StorageError, match=r"The checkpoint is not of this network: the recipe of its run was changed"):
        go(tmp_path / "model.npz", freeze=[], unfreeze_at_epoch=None, init=None)


def test_an_undefined_figure_can_not_choose_the_epoch(go: Go, prepared: Prepared) -> None:
    one_label = prepared.val.targets["colour"] == 0
    before = prepared.val
    object.__setattr__(prepared, "val", before.subset(one_label))
    try:
        with pytest.raises(
            SpecError, match=r"^training\.monitor: roc_auc of head 'colour' is undefined on the \d valid"
        ):
            go(monitor="roc_auc")
    finally:
        object.__setattr__(prepared, "val", before)


def test_a_run_whose_rows_are_no_longer_the_same_is_not_gone_on_with(
    prepared: Prepared, tmp_path: Path, reporter: Reporter
) -> None:
    run = Run.create(tmp_path, "tiny")
    run.write_recipe(prepared.recipe)
    run.write_request(Request(models=tmp_path, cache=tmp_path, rows_sha256=prepared.rows_digest))
    fewer = replace(prepared, val=prepared.val.subset(prepared.val.rows > prepared.val.rows.min()))

    with pytest.raises(
        ManifestError, match=r"no longer those that tiny-.* began with: pictures were lost, or mended\."
    ):
        resume(run, fewer, reporter)
    assert run.path.is_dir()


# Runs the command line, and sends it a signal at the n-th call of a function.
SIGNALLED = """
import importlib, os, sys
from training.cli import main
where, count, number = {where!r}, {count}, {number}
module, _, path = where.partition(":")
*owners, name = path.split(".")
if module:
    owner = importlib.import_module(module)
    for one in owners:
        owner = getattr(owner, one)
    function, calls = getattr(owner, name), []
    def signalled(*arguments, **keywords):
        calls.append(1)
        if len(calls) == count:
            os.kill(os.getpid(), number)
        return function(*arguments, **keywords)
    setattr(owner, name, signalled)
main()
"""
TIMES = ("seconds", "examples_per_s", "waited_s")
STEP = "training.optimisation:Optimisation.step"
MOMENTS = {
    "in an epoch": (STEP, int(np.random.default_rng().integers(2, 9)), signal.SIGKILL),
    "while a checkpoint is written": ("os:fsync", 1, signal.SIGKILL),
    "between two epochs": ("training.session:Session._tell", 1, signal.SIGKILL),
    "by Ctrl-C": (STEP, 2, signal.SIGINT),
    "while the bundle is exported": ("model.export:_reloaded", 1, signal.SIGKILL),
    "after it is published": ("training.runs:Run.write_metrics", 2, signal.SIGKILL),
}


def command(*arguments: object, moment: tuple[str, int, int] = (":", 0, 0)) -> subprocess.CompletedProcess[str]:
    where, count, number = moment
    program = SIGNALLED.format(where=where, count=count, number=int(number))
    told = [sys.executable, "-c", program, "fit", *map(str, arguments)]
    return subprocess.run(told, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bundle(tmp_path: Path) -> None:
    recipe = tiny.recipe(tiny.write_manifest(tmp_path / "data"), epochs=5, ema_decay=0.9, checkpoint_every_s=0.01)
    file = tmp_path / "recipe.yaml"
    file.write_text(tiny.only(recipe, "image").to_yaml())
    folders = [
        ["--runs-dir", tmp_path / name, "--models-dir", tmp_path / name / "models", "--cache-dir", tmp_path / "cache"]
        for name in ("whole", "broken")
    ]
    whole = command(file, *folders[0])
    assert whole.returncode == 0, whole.stderr

    first, *others = MOMENTS.values()
    told = [command(file, *folders[1], moment=first)]
    (run,) = (tmp_path / "broken").glob("tiny-*")
    told += [command("--resume", run, moment=moment) for moment in others]
    assert [one.returncode for one in told] == [-9, -9, -9, 130, -9, -9], (MOMENTS, told)
    assert f"All is saved; go on with: bifocal-training fit --resume {run}" in told[3].stderr
    last = command("--resume", run)
    assert last.returncode == 0, last.stderr

    (other,) = (tmp_path / "whole").glob("tiny-*")
    ours, theirs = (weights.read(one / "bundle") for one in (run, other))
    assert ours.keys() == theirs.keys()
    for part, values in ours.items():
        for one, another in zip(values, theirs[part], strict=True):
            np.testing.assert_array_equal(one, another)
    assert [path.name for path in (tmp_path / "broken" / "models" / "tiny").iterdir()] == ["1"]
    logs = [[{**line, **dict.fromkeys(TIMES)} for line in Run.open(one).log()] for one in (run, other)]
    assert logs[0] == logs[1]
    assert not [*run.glob(".export-*"), *run.glob("checkpoint*")]
