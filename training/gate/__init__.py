"""Whether a new model may take the place of an old one: both on the same rows, by a paired bootstrap.

judging.py       both asked about the same rows
sides.py         both on one head, whose labels may differ
other_inputs.py  rows of one model as another takes them
verdict.py       what came of it, in words too
"""

from training.gate.judging import judge, require_common, require_metric
from training.gate.verdict import Standing, Verdict

__all__ = ["Standing", "Verdict", "judge", "require_common", "require_metric"]
