"""The data check: all rows are looked at before anyone waits for an epoch."""

from training.check.checking import check
from training.check.examining import examine
from training.check.findings import Findings

__all__ = ["Findings", "check", "examine"]
