"""Which processes train together, as the variable TF_CONFIG tells each of them. Without TensorFlow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from model.errors import ClusterError

VARIABLE = "TF_CONFIG"
_EXAMPLE = '{"cluster": {"worker": ["host-a:5000", "host-b:5000"]}, "task": {"type": "worker", "index": 0}}'
_ADDRESS = re.compile(r"[^\s:/]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")  # host:port, or [IPv6]:port


@dataclass(frozen=True)
class Cluster:
    """The processes of a training and this one's place among them.

    Args:
        addresses: of each process, host:port; the chief's first.
        index: of this one.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run, tests and publishes."""
        return self.index == 0

    def __str__(self) -> str:
        return f"worker {self.index} of {len(self.addresses)} ({', '.join(self.addresses)})"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self | None:
        """What TF_CONFIG says; None if it is not set, or names no process but this one.

        It is what Kubeflow's TFJob sets, with or without a `chief` beside the `worker`s.

        Raises:
            ClusterError: if it can't be used.
        """
        text = environ.get(VARIABLE, "").strip()
        if not text:
            return None
        try:
            found = json.loads(text)
        except ValueError as error:
            raise _unusable(f"is no JSON ({error})") from None
        found = found if isinstance(found, dict) else {}
        jobs, task = found.get("cluster") or {}, found.get("task") or {}
        if not isinstance(jobs, dict) or not isinstance(task, dict):
            raise _unusable("has a 'cluster' or a 'task' that is no object")
        if others := sorted(set(jobs) - {"chief", "worker"}):
            raise _unusable(f"has {', '.join(map(repr, others))} in its cluster; only 'chief' and 'worker' train")
        addresses = [address for kind in ("chief", "worker") for address in _addresses(jobs, kind)]
        if len(addresses) < 2:
            return None
        return cls(tuple(addresses), _index(jobs, task))


def _addresses(jobs: Mapping[str, object], kind: str) -> list[str]:
    found = jobs.get(kind, [])
    if not isinstance(found, list):
        raise _unusable(f"has for {kind!r} no list of addresses")
    for address in found:
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            raise _unusable(f"has {address!r} for an address of {kind!r}; expected host:port")
    return found


def _index(jobs: Mapping[str, list[str]], task: Mapping[str, object]) -> int:
    """The place of this process, the chief's being 0."""
    kind, index = task.get("type"), task.get("index")
    if kind not in ("chief", "worker"):
        raise _unusable(f"has the task type {kind!r}; expected 'chief' or 'worker'")
    if isinstance(index, str) and index.isdecimal():
        index = int(index)
    known = len(jobs.get(str(kind), []))
    if not isinstance(index, int) or not 0 <= index < known:
        raise _unusable(f"has the task index {index!r}, but {known} addresses of {kind!r}")
    return index + (len(jobs.get("chief", [])) if kind == "worker" else 0)


def _unusable(what: str) -> ClusterError:
    return ClusterError(f"The environment variable {VARIABLE} {what}. Expected: {_EXAMPLE}. Unset it to train alone.")
