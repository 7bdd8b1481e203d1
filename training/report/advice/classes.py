"""Advice on single labels: the rare, the missed and the mixed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from training.confusions import confusions, mistakes
from training.report.advice.advice import Advice
from training.run_contents import Contents, Figures, measured

LEAST_ROWS = 5
SHOWN = 3
# Of all mistakes of a head, and how many at least, that one pair of labels must make.
PAIR_SHARE, PAIR_LEAST = 0.15, 5


def rules(run: Contents) -> Iterator[Advice]:
    """What the figures by label say."""
    for head, figures in run.test.items():
        yield from _missed(run, head, figures)
        yield from _mixed_up(head, figures)


def _missed(run: Contents, head: str, figures: Figures) -> Iterator[Advice]:
    recall = measured(figures, "balanced_accuracy") or measured(figures, "accuracy")
    classes = figures.get("classes", {})
    if recall is None or not classes:
        return
    low = {
        label: one
        for label, one in classes.items()
        if one["support"] >= LEAST_ROWS and one["recall"] and one["recall"]["high"] < recall["value"]
    }
    if not low:
        return
    worst = sorted(low, key=lambda label: low[label]["recall"]["value"])
    told = ", ".join(
        f"{label!r} {low[label]['recall']['value']:.3f} of {low[label]['support']} rows" for label in worst[:SHOWN]
    )
    even = figures["examples"] / len(classes)
    rare = sum(low[label]["support"] < even / 2 for label in worst)
    weights = run.recipe.spec.heads[head].class_weights
    if weights == "none" and rare:
        remedy = f"{rare} of them {'is' if rare == 1 else 'are'} rare: weigh labels by how rare they are, or add rows."
        keys: tuple[str, ...] = (f"spec.heads.{head}.class_weights",)
    else:
        remedy = "Look at their mistakes below: are the labels right, and can the inputs tell them? More rows of them."
        keys = (f"data.labels.{head}", f"spec.heads.{head}.focal_gamma")
    yield Advice(
        f"{len(low)} label{'s' if len(low) > 1 else ''} of {head} {'are' if len(low) > 1 else 'is'} often missed",
        f"Found of those that are there: {told}{' and others' if len(low) > SHOWN else ''}; over all labels "
        f"{recall['value']:.3f}.",
        remedy,
        keys,
    )


def _mixed_up(head: str, figures: Figures) -> Iterator[Advice]:
    found, labels = confusions(figures), list(figures.get("classes", {}))
    if not found or len(labels) < 3:
        return
    place = {label: number for number, label in enumerate(labels)}
    both: Counter[tuple[str, str]] = Counter()
    for pair, times in found.items():
        first, second = sorted(pair, key=place.__getitem__)
        both[first, second] += times
    one, other = min(both, key=lambda pair: (-both[pair], place[pair[0]], place[pair[1]]))
    count, wrong, pairs = both[one, other], mistakes(figures), len(labels) * (len(labels) - 1) / 2
    # Twice as many as if all pairs were mixed up alike: with three labels a third of the mistakes means nothing.
    if count >= PAIR_LEAST and count > max(PAIR_SHARE, 2 / pairs) * wrong:
        yield Advice(
            f"{one!r} and {other!r} are mixed up",
            f"{count} of the {wrong} mistakes of {head}: {found.get((one, other), 0)} times {one!r} was taken for "
            f"{other!r}, {found.get((other, one), 0)} times the other way.",
            "Look at these rows: some may be labelled wrong, or fit both. If nobody needs them apart, make them one "
            "label in the manifest.",
            (f"data.labels.{head}",),
        )
