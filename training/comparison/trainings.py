"""The trainings of a comparison: each done once, and found again when it was done before."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from model.spec import ModelSpec
from training.checkpoint import Checkpoint
from training.comparison import baseline, fingerprint
from training.comparison.candidates import Candidate
from training.comparison.metric import Metric
from training.comparison.parts import Measured, Parts
from training.loop import Listener
from training.prepare import Prepared
from training.progress import Reporter
from training.reuse import Reuse
from training.runs import bundle_of
from training.stopping import Stop
from training.trained import train_spec

# Settings that change when something is done, and nothing of what comes out; the seed is told apart from the others.
_WITHOUT_EFFECT = ("checkpoint_every_s", "init", "seed")


@dataclass(frozen=True)
class Trainings:
    """Trains candidates on one set of examples.

    Args:
        data: the examples and the recipe.
        digest: of the examples.
        vocabularies: for each branch with a learned vocabulary, its file.
        reuse: earlier models whose branches all candidates start from.
        parts: where finished ones are kept.
        reporter: told how it goes.
        stop: asked after each step whether to end there.
    """

    data: Prepared
    digest: str
    vocabularies: Mapping[str, Path]
    reuse: Reuse
    parts: Parts
    reporter: Reporter
    stop: Stop

    def network(self, candidate: Candidate, seed: int, *, place: str) -> tuple[Measured, bool]:
        """A trained candidate, and whether it was finished before.

        Args:
            candidate: with a spec.
            seed: of the training.
            place: which of how many it is, for the progress.

        Raises:
            SpecError: if training diverges, or weights to start from do not fit.
            StorageError: if it can't be kept.
            StoppedError: if it was asked to stop; it goes on from there the next time.
        """
        spec = candidate.spec
        assert spec is not None, candidate.name  # noqa: S101  (tells mypy; ensembles are not trained)
        digest = self.digest_of(spec, seed)
        if found := self.parts.find(candidate.name, seed, digest):
            return found, True
        if self.parts.has_another(candidate.name, seed):
            self.reporter.say(
                f"{candidate.name}: seed {seed} was trained before, but on other data, with other settings or by "
                "another version of this program; that can't be used"
            )
        data = replace(self.data, recipe=self.data.recipe.replace(training={"seed": seed}))
        checkpoint = Checkpoint(
            self.parts.under_way(candidate.name, seed, digest), every_s=data.recipe.training.checkpoint_every_s
        )
        with self.reporter.task(f"Training {candidate.name}, {place}") as task:
            listener = Listener(step=task.step, epoch=lambda *_: None)
            trained = train_spec(
                spec, data, self.vocabularies, listener, self.reuse, checkpoint=checkpoint, stop=self.stop
            )
        measured = Measured(
            seed,
            trained.course.total_s,
            trained.network.count_params(),
            {"epoch": trained.best.epoch, "epochs": len(trained.history)},
            trained.logits(data.val.only(spec)),
            trained.logits(data.test.only(spec)),
        )
        del trained
        gc.collect()  # graphs are full of circles, and the next network needs the room
        self.parts.keep(candidate.name, digest, measured)
        checkpoint.file.unlink(missing_ok=True)
        return measured, False

    def linear(self, name: str, heads: Sequence[str], metric: Metric) -> tuple[Measured, bool]:
        """The linear baseline, and whether it was finished before; it has no seed to speak of.

        Args:
            name: of the candidate.
            heads: those to be learned.
            metric: by which the strength of its regularization is chosen.
        """
        source = Path(baseline.__file__).read_bytes()
        depends_on = {
            "data": self.digest,
            "code": fingerprint.of_code() + hashlib.sha256(source).hexdigest(),
            "heads": {head: self.data.recipe.spec.heads[head].model_dump(mode="json") for head in heads},
            "metric": metric.name,
        }
        digest = fingerprint.digest(depends_on)
        if found := self.parts.find(name, 0, digest):
            return found, True
        with self.reporter.task(f"Training {name}"):
            measured = baseline.measure(self.data, heads, metric.rank, 0)
        self.parts.keep(name, digest, measured)
        return measured, False

    def digest_of(self, spec: ModelSpec, seed: int) -> str:
        """Of all that decides what a training gives.

        Args:
            spec: of the network.
            seed: of the training.
        """
        training = self.data.recipe.training
        settings = training.model_dump(mode="json", exclude=set(_WITHOUT_EFFECT))
        sources = [
            branch[key]
            for branch in spec.model_dump()["branches"].values()
            for key in ("weights", "vectors")
            if isinstance(branch.get(key), Path)
        ]
        if isinstance(training.init, Path):
            sources.append(bundle_of(training.init))
        elif training.init is not None:
            sources += [bundle_of(given.path) for given in training.init.values()]
        depends_on = {
            "data": self.digest,
            "code": fingerprint.of_code(),
            "spec": spec.model_dump(mode="json"),
            "seed": seed,
            "settings": settings,
            "init": training.model_dump(mode="json", include={"init"}),
            "files": fingerprint.of_files(sources),
            "vocabularies": {
                name: hashlib.sha256(file.read_bytes()).hexdigest()
                for name, file in self.vocabularies.items()
                if name in spec.branches
            },
        }
        return fingerprint.digest(depends_on)
