"""What can be wrong between the parts of a spec that are each right: complaints, each with the path of its key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from model.spec.image_branches import NETWORKS, ImageBranch, PretrainedBranch, ResidualBranch
from model.spec.inputs import ImageInput, TagsInput
from model.spec.merges import ConcatenateMerge, DotMerge, FilmMerge, SubtractMerge
from model.spec.token_branches import TagsBranch
from model.validation import nearest

if TYPE_CHECKING:
    from model.spec.model import Branch, ModelSpec

# They stand beside the branches in the names of layers, and where the parts of a model are named.
RESERVED = ("merge", "merged", "trunk", "shares")


def inputs(spec: ModelSpec) -> Iterator[str]:
    """Names that are taken, and branches shared by what is not alike."""
    for name, given in spec.inputs.items():
        if name.endswith(("_present", "_target")):
            yield f"inputs.{name}: names ending in '_present' and '_target' are kept for the tensors beside an input."
        source = given.branch_of
        if source is not None:
            if source == name or source not in spec.inputs:
                others = [other for other in spec.inputs if other != name]
                yield f"inputs.{name}.branch_of: no other input {source!r}{nearest(source, others)}"
                continue
            if spec.inputs[source].branch_of is not None:
                yield (
                    f"inputs.{name}.branch_of: {source!r} has no branch of its own, it shares that of "
                    f"{spec.inputs[source].branch_of!r}; name that one."
                )
            if given.model_copy(update={"branch_of": None}) != spec.inputs[source]:
                yield (
                    f"inputs.{name}: it shares the branch of {source!r}, so kind, size, fit and delimiter must be the "
                    "same; leave them out to take them over."
                )


def unread(spec: ModelSpec) -> Iterator[str]:
    """Inputs that nothing reads."""
    read = {view.input for view in spec.views}
    for name in spec.inputs:
        if name not in read:
            yield f"inputs.{name}: no branch reads it. Add a branch with 'input: {name}', or drop it."


def branches(spec: ModelSpec) -> Iterator[str]:
    """Branches that read what they can't, or that shrink a picture away."""
    for name, branch in spec.branches.items():
        if name in RESERVED:
            yield f"branches.{name}: the name is kept for a part of every model; choose another."
        source = spec.input_of(name)
        if source not in spec.inputs:
            yield f"branches.{name}.input: no input {source!r}{nearest(source, spec.inputs)}"
            continue
        given = spec.inputs[source]
        if isinstance(branch, ImageBranch) and isinstance(given, ImageInput):
            yield from _too_small(name, branch, source, given)
        elif isinstance(branch, ImageBranch) or isinstance(given, ImageInput):
            reads = "an image" if isinstance(branch, ImageBranch) else _wanted(branch)
            yield f"branches.{name}: a branch of kind {branch.kind!r} reads {reads}, but {source!r} is {given.kind}."
        elif isinstance(branch, TagsBranch) != isinstance(given, TagsInput):
            hint = " Use kind 'tags'." if isinstance(given, TagsInput) else " Use kind 'embedding'."
            yield (
                f"branches.{name}: a branch of kind {branch.kind!r} reads {_wanted(branch)}, but {source!r} is "
                f"{given.kind}.{hint}"
            )
        if given.branch_of is not None:
            yield (
                f"branches.{name}: its input {source!r} shares the branches of {given.branch_of!r}; let it read that "
                "one, or drop 'branch_of'."
            )


def merge(spec: ModelSpec) -> Iterator[str]:
    """Merges of a number of vectors that they can't merge, or that nobody reads."""
    views = [view.name for view in spec.views]
    read = [name for name, head in spec.heads.items() if head.of is None]
    if spec.merge is None:
        if read:
            yield f"merge: head {read[0]!r} reads the merged vector; give a merge, or name a branch in its 'of'."
        for view in views:
            if view not in [head.of for head in spec.heads.values()]:
                yield f"branches.{view}: no head reads it. Give a merge, name it in the 'of' of a head, or drop it."
        return
    if not read:
        yield "merge: no head reads the merged vector, each names a branch in 'of'. Say 'merge: null'."
    kind = spec.merge.kind
    if isinstance(spec.merge, SubtractMerge | DotMerge) and len(views) != 2:
        yield f"merge: {kind} takes exactly 2 vectors. Received {len(views)}: {', '.join(views)}."
    if not isinstance(spec.merge, ConcatenateMerge) and len(views) == 1:
        yield f"merge: {kind} takes at least 2 vectors, and there is only {views[0]!r}. Use 'concatenate'."
    if isinstance(spec.merge, FilmMerge) and spec.merge.condition not in (None, *views):
        yield f"merge.condition: no branch {spec.merge.condition!r}{nearest(spec.merge.condition, views)}"


def heads(spec: ModelSpec) -> Iterator[str]:
    """Heads that read or share what they can't."""
    views = [view.name for view in spec.views]
    for name, head in spec.heads.items():
        where = f"heads.{name}"
        if name in spec.branches or name in RESERVED:
            yield f"{where}: a branch or a part of every model has that name; choose another."
        if head.of is not None and head.of not in views:
            yield f"{where}.of: no branch {head.of!r}{nearest(head.of, views)}"
        if head.auxiliary_weight and (head.of is not None or len(views) == 1):
            yield f"{where}.auxiliary_weight: it reads the only vector there is for it; leave it out."
        if head.add_auxiliary and not head.auxiliary_weight:
            yield f"{where}.add_auxiliary: there are no copies to add; give it an 'auxiliary_weight', 1 for instance."
        if head.last_layer_of is not None:
            yield from _shared_last_layer(spec, name)


def _shared_last_layer(spec: ModelSpec, name: str) -> Iterator[str]:
    head, where = spec.heads[name], f"heads.{name}.last_layer_of"
    source = head.last_layer_of
    if source is None or source == name or source not in spec.heads:
        yield f"{where}: no other head {source!r}{nearest(source, [other for other in spec.heads if other != name])}"
        return
    other = spec.heads[source]
    if other.last_layer_of is not None:
        yield f"{where}: {source!r} uses the last layer of {other.last_layer_of!r}; name that one."
    if other.kind != head.kind or other.labels != head.labels:
        yield f"{where}: heads with one last layer have the same kind and labels; {source!r} differs."
    widths = [one.units[-1] if one.units else _width(spec, one.of) for one in (head, other)]
    if widths[0] != widths[1] and None not in widths:
        yield f"{where}: the last layer of {source!r} takes {widths[1]} features, this head gives {widths[0]}."
    if head.of == other.of and not head.units and not other.units:
        yield f"{where}: it would answer what {source!r} answers; give it 'units' or an 'of' of its own."


def _width(spec: ModelSpec, view: str | None) -> int | None:
    """Width of the vector that a head reads; None where only building tells."""
    if view is None:
        return spec.trunk.units[-1] if spec.trunk.units else None
    branch = view.partition(".")[0]
    return spec.branches[branch].units if branch in spec.branches else None


def _wanted(branch: Branch) -> str:
    return "tags" if isinstance(branch, TagsBranch) else "a text"


def _too_small(name: str, branch: ImageBranch, source: str, given: ImageInput) -> Iterator[str]:
    side = min(given.height, given.width)
    if isinstance(branch, PretrainedBranch):
        if side < NETWORKS[branch.network]:
            yield (
                f"branches.{name}.network: {branch.network} takes pictures of at least {NETWORKS[branch.network]} "
                f"pixels, but {source!r} has only {side}. Use a larger picture or another network."
            )
        return
    if isinstance(branch, ResidualBranch):
        shrink, how = branch.stem_stride * 2 ** (len(branch.filters) - 1), f"stem_stride {branch.stem_stride}"
    else:
        shrink, how = branch.pool ** len(branch.filters), f"pool {branch.pool}"
    if side < shrink:
        yield (
            f"branches.{name}.filters: {len(branch.filters)} stages with {how} shrink a picture {shrink} times, but "
            f"{source!r} has only {side} pixels. Use fewer filters or a larger picture."
        )
