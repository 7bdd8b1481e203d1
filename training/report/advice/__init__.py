"""What to try next: what a run's own figures say may be wrong with it, and the key of the recipe that changes it."""

from __future__ import annotations

from training.report.advice import classes, curves, findings, inputs, trust
from training.report.advice.advice import Advice
from training.run_contents import Contents

# In the order in which they are told: what spoils all figures first.
_RULES = (
    findings.rules,
    curves.rules,
    trust.rules,
    inputs.rules,
    classes.rules,
)

__all__ = ["Advice", "advise"]


def advise(run: Contents) -> list[Advice]:
    """What stands out in a run, most important first; nothing if nothing does."""
    return [one for rules in _RULES for one in rules(run)]
