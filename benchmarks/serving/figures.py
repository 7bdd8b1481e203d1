"""What counts of a load."""

from __future__ import annotations

from benchmarks.serving.load import Load


def rate(load: Load) -> float:
    """Requests a second."""
    return load.requests_per_s


def p50(load: Load) -> float:
    """Milliseconds."""
    return load.quantile_ms(50)


def p99(load: Load) -> float:
    """Milliseconds."""
    return load.quantile_ms(99)


def cpu(load: Load) -> float:
    """CPU milliseconds a request."""
    return 1000 * load.cpu_s_per_request
