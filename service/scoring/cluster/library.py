"""Ray, which spreads work over machines, if it is installed."""

from __future__ import annotations

import os
from typing import Any

from model.errors import ClusterError


def ray() -> Any:
    """The library, with Ray Data. It reports nothing to its makers unless RAY_USAGE_STATS_ENABLED says so.

    Raises:
        ClusterError: if it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # counts when a cluster is started
    try:
        import ray as library
        import ray.data
    except ImportError as error:
        raise ClusterError(
            f"--engine ray needs Ray Data, which is not installed: pip install 'bifocal[ray]' ({error})."
        ) from None
    return library
