"""Where commands tell how they get on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.progress import Reporter


def reporter() -> Reporter:
    """Tells on standard output."""
    from rich.console import Console

    from training.progress import Reporter

    return Reporter(Console())
