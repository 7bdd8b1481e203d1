"""Taking parts of earlier models: branches, merge, trunk and heads, with their vocabularies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from model import weights
from model.bundle import Bundle, vocabulary_file
from model.errors import SpecError
from model.heads import auxiliary_name, auxiliary_of
from model.spec import Branch, ModelSpec
from model.text import needs_vocabulary
from model.validation import nearest
from training.runs import bundle_of
from training.training_settings import InitFrom

# What may differ between a branch and the one its weights are taken from.
_FREE_KEYS = {"input", "dropout", "token_dropout", "weights", "vectors", "trainable_blocks"}


class Source:
    """An earlier model that parts are taken from.

    Args:
        path: a run folder or a bundle.

    Raises:
        BundleError: if there is no bundle in it that this build can read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bundle = Bundle(bundle_of(path))
        self.spec = self.bundle.spec

    @property
    def name(self) -> str:
        """What to call it: the run folder, or model and version."""
        return f"{self.path.parent.name}/{self.path.name}" if self.path.name.isdecimal() else self.path.name

    @cached_property
    def values(self) -> weights.Values:
        """Its weights by part."""
        return weights.read(self.bundle.path)


class Reuse:
    """Which parts of a model are taken from where.

    Args:
        init: as in the recipe: a source for each part, or one for all parts that it has.
        branches_only: leave out what is behind the branches.

    Raises:
        BundleError: if a source can't be read.
    """

    def __init__(self, init: Mapping[str, InitFrom] | Path | None, *, branches_only: bool = False) -> None:
        self._init = init
        self._branches_only = branches_only
        self._whole = Source(init) if isinstance(init, Path) else None
        self._named: dict[str, tuple[Source, str | None]] = {}
        if isinstance(init, Mapping):
            sources = {path: Source(path) for path in {given.path for given in init.values()}}
            self._named = {part: (sources[given.path], given.part) for part, given in init.items()}

    def parts(self, spec: ModelSpec) -> dict[str, tuple[Source, str]]:
        """For each part of a spec that is taken over, its source and its name there.

        Raises:
            SpecError: if a source has no part that fits.
        """
        wanted = [name for name in _names(spec) if name in spec.branches or not self._branches_only]
        if self._whole is not None:
            names = [name for name in wanted if name in _alike(spec, name, self._whole)]
            return {name: (self._whole, name) for name in names}
        return {
            part: (source, _named(spec, part, source, given) if given else _counterpart(spec, part, source))
            for part, (source, given) in self._named.items()
            if part in wanted
        }

    def of_branches(self) -> Reuse:
        """The same without what is behind the branches, for a model of some of them."""
        return Reuse(self._init, branches_only=True)

    def check(self, spec: ModelSpec) -> None:
        """Looks whether branches, merge and trunk that are taken over fit, before anything is trained.

        Raises:
            SpecError: saying what differs.
        """
        for part, (source, there) in self.parts(spec).items():
            where = f"training.init.{part}: {there!r} of {source.name}"
            if part in spec.branches:
                _check_branch(spec.branches[part], source.spec.branches[there], where)
            elif part not in spec.heads:
                _check_behind(spec, source.spec, part, where)

    def vocabularies(self, spec: ModelSpec) -> dict[str, Path]:
        """For each branch that is taken over and has a learned vocabulary, the file of its source."""
        return {
            part: vocabulary_file(source.bundle.path, there)
            for part, (source, there) in self.parts(spec).items()
            if part in spec.token_branches and needs_vocabulary(spec.token_branches[part])
        }

    def apply(self, network: keras.Model, spec: ModelSpec) -> list[str]:
        """Copies the weights.

        Returns:
            What was taken, a line each.

        Raises:
            SpecError: saying what differs, if a part does not fit.
        """
        self.check(spec)
        own = weights.parts(network)
        done = []
        for part, (source, there) in self.parts(spec).items():
            where = f"{there!r} of {source.name}"
            if part in spec.heads:
                done.append(_take_head(own.get(part, []), spec, part, source, there))
                _take_copies(own, spec, part, source, there)
                continue
            if part in spec.branches:
                presence = f"{part}.presence", f"{there}.presence"
                _copy(own, source.values, *presence, what=f"training.init.{part}: {where}", must=False)
            _copy(own, source.values, part, there, what=f"training.init.{part}: {where}")
            done.append(f"{part}: taken from {where}")
        return done


def _names(spec: ModelSpec) -> list[str]:
    """What can be taken from a model or given to one."""
    behind = ["merge", "trunk"] if spec.merge is not None else []
    return [*spec.branches, *behind, *spec.heads]


def _counterpart(spec: ModelSpec, part: str, source: Source) -> str:
    """The part of the source that has the same name, or is the only one of its kind."""
    theirs = _alike(spec, part, source)
    if part in theirs:
        return part
    if part in spec.branches:
        candidates = [name for name in theirs if source.spec.branches[name].kind == spec.branches[part].kind]
    else:
        candidates = theirs
    if len(candidates) == 1:
        return candidates[0]
    raise SpecError(
        f"training.init.{part}: {source.name} has none of that name{nearest(part, theirs)} "
        f"Name the one to take: {part}: {{path: ..., part: NAME}}."
    )


def _named(spec: ModelSpec, part: str, source: Source, given: str) -> str:
    """The part of the source that the recipe names, if it is of the same sort."""
    theirs = _alike(spec, part, source)
    if given in theirs:
        return given
    raise SpecError(f"training.init.{part}.part: {source.name} has no {given!r}{nearest(given, theirs)}")


def _alike(spec: ModelSpec, part: str, source: Source) -> list[str]:
    """The parts of a source that are of the same sort: a branch may be called there what a head is called here."""
    if part in spec.branches:
        return list(source.spec.branches)
    if part in spec.heads:
        return list(source.spec.heads)
    return [part] if source.spec.merge is not None else []


def _check_behind(spec: ModelSpec, theirs: ModelSpec, part: str, where: str) -> None:
    """What is behind the branches means something for the same vectors in the same order alone."""

    def told(one: ModelSpec) -> dict[str, object]:
        vectors = [(view.name, one.branches[view.branch].units) for view in one.views]
        behind = {"merge": one.merge and one.merge.model_dump()}
        if part == "trunk":
            behind["trunk"] = one.trunk.model_dump(exclude={"dropout"})
        return {"branches and their units": vectors, **behind}

    own, other = told(spec), told(theirs)
    differing = [key for key in own if own[key] != other[key]]
    if differing:
        raise SpecError(
            f"{where} does not fit: {', '.join(f'{key}: {other[key]} there, {own[key]} here' for key in differing)}."
        )


def _check_branch(branch: Branch, theirs: Branch, where: str) -> None:
    own, other = (
        {key: value for key, value in one.model_dump().items() if key not in _FREE_KEYS} for one in (branch, theirs)
    )
    differing = [key for key in {**own, **other} if own.get(key) != other.get(key)]
    if "kind" in differing:
        differing = ["kind"]  # all else follows from it
    if differing:
        told = ", ".join(f"{key} is {other.get(key)!r} there and {own.get(key)!r} here" for key in differing)
        raise SpecError(f"{where} does not fit: {told}. Make the spec of the branch the same.")


def _copy(own: weights.Parts, values: weights.Values, part: str, there: str, *, what: str, must: bool = True) -> None:
    mine, theirs = own.get(part, []), values.get(there, [])
    shapes = [[tuple(one.shape) for one in some] for some in (theirs, mine)]
    if shapes[0] != shapes[1]:
        if not must:
            return
        raise SpecError(f"{what} does not fit: its weights have the shapes {shapes[0]}, here {shapes[1]} are expected.")
    for variable, value in zip(mine, theirs, strict=True):
        variable.assign(value)


def _take_head(variables: list[keras.Variable], spec: ModelSpec, head: str, source: Source, there: str) -> str:
    """Copies the weights of a head; of its last layer those of the labels that stayed."""
    where = f"training.init.{head}: {there!r} of {source.name}"
    theirs, mine = source.spec.heads[there], spec.heads[head]
    values = source.values.get(there, [])
    same = [(one.kind, one.of, one.units, one.last_layer_of is None) for one in (theirs, mine)]
    if same[0] != same[1] or len(values) != len(variables):
        raise SpecError(
            f"{where} does not fit: kind, 'of', 'units' and whether it has a last layer of its own must be the same."
        )
    kept = _kept(spec, head, source, there)
    for number, (variable, value) in enumerate(zip(variables, values, strict=True)):
        # Kernel (width, classes) and bias (classes,); a head that uses another's last layer has hidden ones only.
        is_last = mine.last_layer_of is None and number >= len(variables) - 2
        if is_last and value.shape[:-1] == variable.shape[:-1]:
            variable.assign(_by_label(variable.numpy(), value, kept))
        elif not is_last and value.shape == tuple(variable.shape):
            variable.assign(value)
        else:
            raise SpecError(f"{where} does not fit: it has a layer of shape {value.shape}, here {variable.shape}.")
    return f"{head}: {len(kept)} of {len(spec.heads[head].labels)} labels taken from {there!r} of {source.name}"


def _take_copies(own: weights.Parts, spec: ModelSpec, head: str, source: Source, there: str) -> None:
    """Copies the weights of a head's copies on views that both models have; one over another width begins anew."""
    kept = _kept(spec, head, source, there)
    for view in auxiliary_of(spec, head):
        mine = own[auxiliary_name(head, view)]
        theirs = source.values.get(auxiliary_name(there, view), [])
        shapes = [[tuple(one.shape[:-1]) for one in some] for some in (mine, theirs)]
        if shapes[0] != shapes[1]:
            continue
        for variable, value in zip(mine[:-2], theirs[:-2], strict=True):
            variable.assign(value)
        for variable, value in zip(mine[-2:], theirs[-2:], strict=True):
            variable.assign(_by_label(variable.numpy(), value, kept))


def _kept(spec: ModelSpec, head: str, source: Source, there: str) -> list[tuple[int, int]]:
    """For each label of a head that the source's has too its index in both."""
    old = {label: index for index, label in enumerate(source.spec.heads[there].labels)}
    return [(index, old[label]) for index, label in enumerate(spec.heads[head].labels) if label in old]


def _by_label(
    own: NDArray[np.generic], theirs: NDArray[np.generic], kept: list[tuple[int, int]]
) -> NDArray[np.generic]:
    for here, there in kept:
        own[..., here] = theirs[..., there]
    return own
