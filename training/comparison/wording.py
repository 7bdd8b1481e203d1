"""The sentences of a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from training.comparison.contest import Contest, Standing
from training.evaluation.bootstrap import Interval

_CHOSEN = "which validation chose"


def needed(contest: Contest) -> str:
    """No modality says much alone."""
    metric = contest.metric
    values = (contest.best_merged.test.value, contest.best_alone.test.value, contest.constant)
    merged, alone, constant = (metric.figure(value) + metric.unit for value in values)
    return (
        f"Merging is needed: {metric.label} {merged} with {contest.merged}, {alone} with {spoken(contest.best_alone)}, "
        f"{constant} without looking; {metric.difference(contest.gain)}."
    )


def helps(contest: Contest) -> str:
    """Both say more than either."""
    return (
        f"Merging helps: {contest.metric.difference(contest.gain)} over {spoken(contest.best_alone)} with "
        f"{contest.merged}, {_CHOSEN}."
    )


def as_well(contest: Contest, margin: float) -> str:
    """There is nothing to be gained.

    Args:
        contest: all standings.
        margin: the least difference that matters.
    """
    does = "does" if contest.best_alone.modality == "picture" else "do"
    well = "as well" if contest.gain.value > -margin else "at least as well"
    return (
        f"The {contest.best_alone.modality} alone {does} {well}: {contest.merged}, {_CHOSEN}, makes a difference of "
        f"{contest.metric.difference(contest.gain)} to {contest.alone}."
    )


def hurts(contest: Contest) -> str:
    """The second modality does harm."""
    return (
        f"Merging hurts: {contest.metric.difference(contest.gain)} against {spoken(contest.best_alone)} with "
        f"{contest.merged}, {_CHOSEN}."
    )


def unsure(contest: Contest, rows: int, margin: float) -> str:
    """The interval holds both nothing and something that is worth having.

    Args:
        contest: all standings.
        rows: how many would be enough, about.
        margin: the least gain that is worth having.
    """
    amount = contest.metric.amount(max(abs(contest.gain.value), margin))
    return (
        f"Not enough rows to tell whether merging helps: {contest.metric.difference(contest.gain)} over "
        f"{spoken(contest.best_alone)} with {contest.merged}, {_CHOSEN}, on {contest.examples:,} test rows; to tell "
        f"{amount} from none takes about {rows:,}."
    )


def beside_ensemble(contest: Contest) -> str:
    """How the merged network does against the simple ensemble of the two, which needs no merge."""
    ensemble = contest.best_ensemble
    over = Interval(-ensemble.lead.value, -ensemble.lead.high, -ensemble.lead.low)
    if over.low > 0:
        return f"It beats the {ensemble.name} as well: {contest.metric.difference(over)}."
    if over.high < 0:
        return f"But the {ensemble.name} does better: {contest.metric.difference(ensemble.lead)} over it."
    return f"It is not distinguishable from the {ensemble.name}: {contest.metric.difference(over)}."


def instead_of_merging(contest: Contest) -> str | None:
    """That the simple ensemble helps, if it does, where the merged network does not."""
    ensemble = contest.best_ensemble
    if ensemble.gain.low <= 0:
        return None
    gain = contest.metric.difference(ensemble.gain)
    return f"The {ensemble.name} helps, though: {gain} over {spoken(contest.best_alone)}."


def among_merged(contest: Contest) -> str | None:
    """Which of the merged networks can't be told from the chosen one, and which the test rows like better."""
    others = [one for one in contest.of_role("merged") if one.name != contest.merged]
    alike = [one.name for one in others if one.lead.low <= 0 <= one.lead.high]
    better = [one for one in others if one.lead.low > 0]
    sentences = []
    if alike:
        sentences.append(f"Of the merged ones, {_listed([contest.merged, *alike])} are not distinguishable.")
    elif others and not better:
        sentences.append(
            f"Of the merged ones, {contest.merged} is better than {_listed([one.name for one in others])}."
        )
    for one in better:
        lead = contest.metric.difference(one.lead)
        sentences.append(f"On the test rows {one.name} did better ({lead}), on validation it did not.")
    return " ".join(sentences) or None


def spoken(standing: Standing) -> str:
    """A single modality in a sentence: "the words alone (linear)"."""
    _, _, how = standing.name.partition(", ")
    return f"the {standing.modality} alone" + (f" ({how})" if how else "")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
