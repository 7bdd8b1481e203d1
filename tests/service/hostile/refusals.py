"""What all refusals have in common, and what hostile requests need."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

JSON = {"Content-Type": "application/json"}
MEGABYTE = 2**20
# Paths, traces, addresses of objects: nothing of it is a client's business.
LEAKS = re.compile(r'Traceback|File "|site-packages|\.py\b|0x[0-9a-f]{6}|/(?:home|root|tmp|usr|work)/|Error\(')


def refused(response: httpx.Response, *allowed: int) -> int:
    """That an answer is a refusal in good order; gives its status."""
    assert 400 <= response.status_code < 500 or response.status_code in allowed, (response.status_code, response.text)
    assert not LEAKS.search(response.text), response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    return response.status_code


def resident(field: str) -> int:
    """Memory of this process in bytes: VmRSS, or its peak, VmHWM."""
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
