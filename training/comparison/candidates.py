"""What is compared, and what the user asked to see compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from model.errors import SpecError
from model.spec import DotMerge, ImageBranch, Merge, ModelSpec, SubtractMerge, TextBranch
from model.validation import nearest

Role = Literal["linear", "alone", "ensemble", "merged"]

LINEAR = "words, linear"
AVERAGE = "average of both"
PRODUCT = "product of both"


def kinds_of(union: Any) -> tuple[str, ...]:
    """The kinds that a union of parts of a spec knows, in the order in which it names them."""
    parts = get_args(union)
    members = get_args(parts[0]) if parts and get_args(parts[0]) else parts
    return tuple(kind for part in members for kind in get_args(part.model_fields["kind"].annotation))


MERGES = kinds_of(Merge)
OF_TWO_VECTORS = kinds_of(SubtractMerge | DotMerge)
IMAGE_BRANCHES = kinds_of(ImageBranch)
TEXT_BRANCHES = kinds_of(TextBranch)


@dataclass(frozen=True)
class Candidate:
    """One way to answer.

    Args:
        name: what it is called in the table.
        role: `linear`, the baseline on the words; `alone`, a network that sees one modality; `ensemble`, made of the
            answers of two of these; `merged`, a network that sees both.
        modality: `picture` or `words`; None for both.
        spec: of the network; None where there is none of its own.
    """

    name: str
    role: Role
    modality: str | None = None
    spec: ModelSpec | None = None


@dataclass(frozen=True)
class Lineup:
    """All that is compared.

    Args:
        candidates: baseline, networks of one modality, ensembles, merged networks.
        left_out: what was asked for and can't be built, and why.
    """

    candidates: tuple[Candidate, ...]
    left_out: Mapping[str, str]

    @property
    def networks(self) -> tuple[Candidate, ...]:
        """Those that are trained."""
        return tuple(one for one in self.candidates if one.spec is not None)


@dataclass(frozen=True)
class Asked:
    """What the user wants to see compared. With no branches it is merges; with both kinds of branches every pair.

    Args:
        merges: kinds; None is all.
        image_branches: kinds that take the place of the branches over pictures.
        text_branches: kinds that take the place of the branches over texts.

    Raises:
        SpecError: at a kind that there is none of.
    """

    merges: tuple[str, ...] | None = None
    image_branches: tuple[str, ...] = ()
    text_branches: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for option, asked, known in (
            ("--merges", self.merges, MERGES),
            ("--image-branches", self.image_branches, IMAGE_BRANCHES),
            ("--text-branches", self.text_branches, TEXT_BRANCHES),
        ):
            if asked is not None and len(set(asked)) < len(asked):
                raise SpecError(f"{option}: a kind is named twice. Received: {', '.join(asked)}.")
            for kind in asked or ():
                if kind not in known:
                    raise SpecError(f"{option}: no kind {kind!r}{nearest(kind, known)}")
        if self.merges == ():
            raise SpecError(f"--merges: name at least one. Valid: {', '.join(MERGES)}.")
        if self.merges is not None and self.varies_branches:
            raise SpecError(
                "--merges does not go with --image-branches and --text-branches, which are merged as the recipe says. "
                "Leave one out."
            )

    @property
    def varies_branches(self) -> bool:
        """Whether branches are compared, and not merges."""
        return bool(self.image_branches or self.text_branches)
