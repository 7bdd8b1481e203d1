"""What a comparison says: does merging help?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from training.comparison import wording
from training.comparison.contest import Contest
from training.comparison.rules import MARGIN
from training.evaluation.bootstrap import Interval

Kind = Literal["needed", "helps", "as_well", "hurts", "unsure"]

# A single modality that gets less than this share of what the merged network gets beyond the constant answer says next
# to nothing alone.
NEXT_TO_NOTHING = 0.25


@dataclass(frozen=True)
class Verdict:
    """The answer.

    Args:
        kind: `needed`, as no modality says much alone; `helps`; `as_well`, a single modality does; `hurts`; or
            `unsure`, too few rows to tell.
        sentences: the answer in words; the first one decides, the others say how ensembles and other merged ones did.
    """

    kind: Kind
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """All sentences."""
        return " ".join(self.sentences)


def judge(contest: Contest, *, margin: float = MARGIN) -> Verdict:
    """Decides by one paired test: the merged network against the single modality, both chosen on validation.

    Args:
        contest: all standings.
        margin: the least gain that is worth having, in the unit of the metric.
    """
    kind = _kind(contest, margin)
    ensemble = wording.beside_ensemble(contest) if kind in ("needed", "helps") else wording.instead_of_merging(contest)
    return Verdict(kind, tuple(filter(None, [_first(kind, contest, margin), ensemble, wording.among_merged(contest)])))


def _first(kind: Kind, contest: Contest, margin: float) -> str:
    match kind:
        case "needed":
            return wording.needed(contest)
        case "helps":
            return wording.helps(contest)
        case "as_well":
            return wording.as_well(contest, margin)
        case "hurts":
            return wording.hurts(contest)
        case "unsure":
            return wording.unsure(contest, rows_needed(contest.gain, contest.examples, margin), margin)


def rows_needed(gain: Interval, examples: int, margin: float) -> int:
    """About how many test rows would tell a gain from none: its interval narrows with the root of their number.

    Args:
        gain: as measured.
        examples: test rows it was measured on.
        margin: the least gain that is to be told, if the measured one is smaller.
    """
    half_width = (gain.high - gain.low) / 2
    needed = examples * (half_width / max(abs(gain.value), margin)) ** 2
    digits = 1 - math.floor(math.log10(max(needed, 1)))
    return max(int(round(needed, digits)), examples + 1)


def _kind(contest: Contest, margin: float) -> Kind:
    gain = contest.gain
    if gain.low > 0:
        return "needed" if _says_next_to_nothing(contest) else "helps"
    if gain.high < 0 and gain.value <= -margin:
        return "hurts"
    return "as_well" if gain.high < margin else "unsure"


def _says_next_to_nothing(contest: Contest) -> bool:
    """Whether no single modality comes near what both together say."""
    sign, floor = contest.metric.sign, contest.constant
    reached = sign * (contest.best_merged.test.value - floor)
    return all(
        sign * (one.test.value - floor) < NEXT_TO_NOTHING * reached for one in contest.of_role("linear", "alone")
    )
