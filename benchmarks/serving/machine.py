"""What the machine is, for whoever reads the figures."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.serving.folder import ROOT

_FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_bf16", "amx_int8")
_PACKAGES = (
    "tensorflow",
    "tensorflow-text",
    "pillow",
    "numpy",
    "fastapi",
    "uvicorn",
    "litserve",
    "bentoml",
    "mlserver",
)
_REQUIREMENTS = ROOT / "benchmarks" / "serving" / "requirements"
_SHOWN = (*_PACKAGES, "nvidia-pytriton")


def description() -> dict[str, object]:
    """CPU, memory, kernel, versions, and when this is."""
    cpu = Path("/proc/cpuinfo").read_text()
    flags = re.search(r"^flags\s*: (.*)$", cpu, re.MULTILINE)
    model = re.search(r"^model name\s*: (.*)$", cpu, re.MULTILINE)
    total = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    return {
        "cpu": model[1] if model else platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "flags": [flag for flag in _FLAGS if flags and flag in flags[1].split()],
        "memory_gib": round(int(total[1]) / 2**20, 1) if total else None,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "wrk": wrk.partition(" [")[0].removeprefix("wrk "),
        "load_before": os.getloadavg()[0],
        "commit": _commit(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {file.stem: _versions(file) for file in sorted(_REQUIREMENTS.glob("*.txt"))}
        | {"ours": _versions(ROOT / "requirements.lock")},
    }


def conditions(machine: Mapping[str, object]) -> str:
    """Short for all of a description that the best settings of a server hang on."""
    what = {name: machine[name] for name in ("cpu", "cpus", "flags", "python")}
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode())
    for file in sorted(_REQUIREMENTS.glob("*.txt")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _versions(file: Path) -> dict[str, str]:
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    return {name: pinned[name] for name in _SHOWN if name in pinned}


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
