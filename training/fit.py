"""One training: from examples to a run folder and a published bundle, in one process or, broken off, in several."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from model.errors import (
    BifocalError,
    ClusterError,
    ManifestError,
    SpecError,
    StoppedError,
    StorageError,
    WorseModelError,
)
from model.text import learn_vocabulary, needs_vocabulary
from training import alone, finish
from training.distributed.job import announce
from training.distributed.replicas import Replicas
from training.gating import require_comparable
from training.journal import how_to_open
from training.learned_rows import known_test_rows
from training.outcome import raise_if_refused, tell
from training.prepare import Prepared
from training.progress import Reporter
from training.release import release
from training.request import Request
from training.retraining import label_changes
from training.reuse import Reuse
from training.run_lock import at_work
from training.runs import Folders, Run
from training.seeds import train_seeds
from training.session import Session
from training.stopping import Stop

# Errors that the same run would end with again.
_NOT_TO_BE_GONE_ON_WITH = (SpecError, ManifestError, WorseModelError)
# What the weights hang on to the last bit.
_LIBRARIES = ("tensorflow", "keras", "numpy")


@dataclass(frozen=True)
class Fitted:
    """What came of a training.

    Args:
        run: its folder.
        published: the version's directory under the models folder; None if it is not published.
        metrics: as in `metrics.json`.
    """

    run: Run
    published: Path | None
    metrics: dict[str, Any]


def fit(
    data: Prepared,
    folders: Folders,
    reporter: Reporter,
    *,
    each_alone: bool = False,
    request: Request | None = None,
    stop: Stop | None = None,
    replicas: Replicas | None = None,
) -> Fitted:
    """Trains, tests once, exports, publishes.

    Args:
        data: the examples, and the recipe they were made by.
        folders: where to write.
        reporter: told how it goes.
        each_alone: also train each modality alone, to see what merging gives.
        request: what else is asked for; its folders and `alone` if not given are those above.
        stop: says whether to end.
        replicas: that train together; None for one alone. Of a cluster this is the chief.

    Raises:
        ManifestError: if a text has no words to learn.
        SpecError: if training diverges, or no head has the figure that is to be compared.
        StorageError: if something can't be written or read.
        BundleError: if the exported model disagrees with the trained one.
        StoppedError: if it was asked to stop.
        WorseModelError: if it was to be compared with an earlier model, and is worse.
    """
    request = request or Request(
        models=folders.models.absolute(), cache=(folders.runs / ".cache").absolute(), alone=each_alone
    )
    reuse = Reuse(data.recipe.training.init)
    reuse.check(data.recipe.spec)
    if request.gate:
        require_comparable(data, request, folders.runs)
    run = Run.create(folders.runs, data.recipe.name, folder=folders.run)
    with at_work(run.path), _saying_how_to_go_on(run):
        run.write_recipe(data.recipe)
        _tell_data(data, run, reporter)
        for line in label_changes(request.source, data.recipe) if request.source is not None else ():
            reporter.say(line)
        vocabularies = learn_vocabularies(data, run, reuse)
        run.write_contents(np.concatenate([data.contents["train"], data.contents["val"]]))
        found = {"manifest_sha256": data.digest, "rows_sha256": data.rows_digest, "libraries": _libraries()}
        run.write_request(request.model_copy(update=found))
        reporter.say(f"watch it:   {how_to_open(run)}")
        return _carry_on(Session(run, data, vocabularies, reporter, stop or Stop(), replicas=replicas))


def resume(
    run: Run,
    data: Prepared,
    reporter: Reporter,
    *,
    request: Request | None = None,
    stop: Stop | None = None,
    replicas: Replicas | None = None,
) -> Fitted:
    """Finishes a run that was broken off, or judges and publishes one that is finished.

    Args:
        run: neither being worked on nor, if it is finished, published.
        data: prepared again by the recipe of the run.
        reporter: told how it goes.
        request: what is asked for now; what was asked for at first if not given.
        stop: says whether to end.
        replicas: as for `fit`.

    Raises:
        ManifestError: if the data is no longer what the run began with.
        StorageError: if another process is at work on it.
        Else as `fit`.
    """
    request = request or run.request()
    if data.rows_digest != request.rows_sha256:
        raise ManifestError(
            f"The rows that can be used are no longer those that {run.name} began with: pictures were lost, or mended. "
            f"{len(data.bad)} rows can't be used now. Bring the pictures back, or train anew."
        )
    if (now := _libraries()) != request.libraries:
        told = ", ".join(f"{name} {request.libraries.get(name)} then, {now[name]} now" for name in now)
        reporter.say(f"warning: {told}. The weights will not be to the last bit what they would have been.")
    with at_work(run.path), _saying_how_to_go_on(run, discards=False):
        run.write_request(request)
        if run.is_finished:
            return _judge_and_publish(Session(run, data, {}, reporter, stop or Stop()))
        # All vocabularies were written before what was asked for.
        vocabularies = kept_vocabularies(data, run)
        return _carry_on(Session(run, data, vocabularies, reporter, stop or Stop(), replicas=replicas))


def learn_vocabularies(data: Prepared, run: Run, reuse: Reuse) -> dict[str, Path]:
    """For each branch that has one its vocabulary in a file of the run: of the training split, or taken over.

    Raises:
        ManifestError: if a column has no token to learn.
    """
    spec = data.recipe.spec
    taken = reuse.vocabularies(spec)
    files = {}
    for name, branch in spec.token_branches.items():
        if name in taken:
            files[name] = run.copy_vocabulary(name, taken[name])
        elif needs_vocabulary(branch):
            read = [view.input for view in spec.views if view.branch == name]
            texts = chain.from_iterable(data.train.texts_of(source) for source in read)
            vocabulary = learn_vocabulary(branch, spec.inputs[read[0]], texts)
            if not vocabulary:
                columns = " and ".join(repr(data.recipe.data.columns[source]) for source in read)
                raise ManifestError(
                    f"Column {columns} has no token that occurs often enough in training, so branch {name!r} would "
                    "learn nothing. Leave the input out, or lower min_count."
                )
            files[name] = run.write_vocabulary(name, vocabulary)
    return files


def kept_vocabularies(data: Prepared, run: Run) -> dict[str, Path]:
    """The vocabularies that `learn_vocabularies` wrote to a run."""
    branches = data.recipe.spec.token_branches
    return {name: run.vocabulary(name) for name, branch in branches.items() if needs_vocabulary(branch)}


def _carry_on(session: Session) -> Fitted:
    """Does what is left to be done of a run."""
    started = time.perf_counter()
    run, request, reporter = session.run, session.run.request(), session.reporter
    kept = train_seeds(session, request.seeds)
    tested = finish.test(session, kept)
    with reporter.task("Exporting"):
        finish.export_bundle(session, kept, tested)
    metrics = tested.metrics
    known = known_test_rows(session.data.recipe.training, session.data.contents["test"], run.path.parent)
    if known:
        metrics["test_rows_known_to_source"] = known
    release(session, request, metrics)
    if request.alone:
        metrics["alone"] = alone.accuracies(session)
    metrics["seconds"] = session.before_s + time.perf_counter() - started
    run.write_metrics(metrics)
    run.drop_checkpoints()  # not before: a run that is not finished needs them
    finish.report(session)
    if session.replicas is not None:
        with suppress(ClusterError):  # who is gone by now has nothing left to do
            announce(None, session.replicas)  # the other workers have waited, so that they end well only if all did
    return _told(run, metrics, reporter)


def _judge_and_publish(session: Session) -> Fitted:
    """Of a run that is finished."""
    run = session.run
    metrics = run.metrics()
    release(session, run.request(), metrics)
    run.drop_checkpoints()  # nothing but the lock
    return _told(run, metrics, session.reporter)


def _told(run: Run, metrics: dict[str, Any], reporter: Reporter) -> Fitted:
    tell(run, reporter)
    raise_if_refused(run)
    published = metrics["published"]
    return Fitted(run, None if published is None else Path(published), metrics)


@contextmanager
def _saying_how_to_go_on(run: Run, *, discards: bool = True) -> Iterator[None]:
    """Adds to an error what is left and how to go on.

    Args:
        run: under way.
        discards: whether a run that had not begun to train leaves nothing behind.
    """
    go_on = f"go on with: bifocal-training fit --resume {run.path}"
    try:
        yield
    except BaseException as error:
        if discards and not run.has_begun:
            run.discard()
            raise
        if isinstance(error, StoppedError):
            raise StoppedError(f"{error} All is saved; {go_on}", signal=error.signal) from None
        if isinstance(error, OSError | BifocalError) and not isinstance(error, _NOT_TO_BE_GONE_ON_WITH):
            raise StorageError(f"{error}\nThe last checkpoint is whole. Once that is mended: {go_on}") from error
        raise


def _libraries() -> dict[str, str]:
    return {name: version(name) for name in _LIBRARIES}


def _tell_data(data: Prepared, run: Run, reporter: Reporter) -> None:
    data.findings.write(run.path)
    data.findings.tell(reporter)
