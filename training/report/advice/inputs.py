"""Advice on inputs that do not pull their weight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from training.modalities import modalities
from training.report.advice.advice import Advice
from training.run_contents import Contents, Figures, measured

# A smaller loss of accuracy than this is none.
SAME = 0.01
_WEIGH_COPIES = "weigh copies of the head on the branches, so that none is left behind, and "


def rules(run: Contents) -> Iterator[Advice]:
    """What the figures with inputs withheld, and of each modality trained alone, say."""
    for head, figures in run.test.items():
        yield from _adds_nothing(run, head, figures)
        yield from _alone_does_as_well(run, head, figures)


def _adds_nothing(run: Contents, head: str, figures: Figures) -> Iterator[Advice]:
    full = measured(figures, "accuracy")
    inputs = run.recipe.spec.inputs
    if full is None or len(inputs) < 2:
        return
    for name in inputs:
        without = figures.get("absent", {}).get(name, {}).get("accuracy")
        if without is None or without["value"] < full["value"] - SAME:
            continue
        evidence = f"Test accuracy of {head} is {full['value']:.3f}, and {without['value']:.3f} with {name} absent."
        alone = _knows_alone(run, head, name, figures["majority"])
        if run.recipe.spec.heads[head].auxiliary_weight:
            remedy = (
                f"Leave {name} out, unless requests may come without the rest: a copy of the head learns from it "
                "already, so what it knows the rest knows too."
            )
        elif alone is None:
            remedy = f"Leave {name} out, or see whether its branch was left behind: weigh a copy of the head on it."
        else:
            remedy = (
                f"Its branch was left behind, for trained alone it gives {alone:.3f}: weigh a copy of the head on it."
            )
        yield Advice(
            f"{name} adds nothing to {head}",
            evidence,
            remedy,
            (f"spec.heads.{head}.auxiliary_weight", f"data.columns.{name}"),
        )


def _alone_does_as_well(run: Contents, head: str, figures: Figures) -> Iterator[Advice]:
    full = measured(figures, "accuracy")
    found = modalities(run.recipe.spec)
    for name, accuracies in run.metrics.get("alone", {}).items():
        alone = _figure(accuracies.get(head))
        if full is None or alone is None or alone < full["value"] - SAME or name not in found:
            continue
        other = next((one for one in found if one != name), "rest")
        yield Advice(
            f"The {name} alone {'does' if name == 'picture' else 'do'} as well for {head}",
            f"Trained alone, the {name} give{'s' if name == 'picture' else ''} {alone:.3f} on the test rows, merged "
            f"with the {other} {full['value']:.3f}.",
            "`bifocal-training compare` tells with intervals whether any merge helps. If it does, "
            + ("" if run.recipe.spec.heads[head].auxiliary_weight else _WEIGH_COPIES)
            + f"take that one; if not, leave the {other} out.",
            (f"spec.heads.{head}.auxiliary_weight", "spec.merge", "data.columns"),
        )


def _knows_alone(run: Contents, head: str, name: str, majority: float) -> float | None:
    """What the modality gives alone that an input is the whole of, if that is well over guessing."""
    for modality, inputs in modalities(run.recipe.spec).items():
        alone = _figure(run.metrics.get("alone", {}).get(modality, {}).get(head))
        if inputs == [name] and alone is not None and alone > majority + 0.1:
            return alone
    return None


def _figure(found: Any) -> float | None:
    """A figure with or without its interval."""
    return found["value"] if isinstance(found, dict) else found
