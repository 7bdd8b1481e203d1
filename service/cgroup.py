"""How many CPUs this process may use: of the machine, by its affinity, by its container's limit."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Cpus:
    """CPUs to plan for.

    Args:
        number: at least 1.
        reason: where the number is from, in words.
    """

    number: int
    reason: str


def usable_cpus(root: Path = Path("/"), *, scheduled: int | None = None) -> Cpus:
    """The CPUs this process may use, a limit by a part of one rounded up.

    Args:
        root: of the file system that says so.
        scheduled: CPUs it may be scheduled on; the operating system is asked if not given.
    """
    if scheduled is None:
        scheduled = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = cpu_limit(root)
    if limit is not None and math.ceil(limit) < scheduled:
        return Cpus(max(1, math.ceil(limit)), f"the cgroup allows {limit:g} of {scheduled}")
    return Cpus(max(1, scheduled), "all that this process is scheduled on")


def cpu_limit(root: Path = Path("/")) -> float | None:
    """The smallest CPU limit of this process's control groups and all above them; None if there is none.

    Both versions of cgroups are read, as some machines mount both. A file that can't be read sets no limit.
    https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/scheduler/sched-bwc.html
    """
    limits = [limit for directory in _groups(root) for limit in (_v2(directory), _v1(directory)) if limit is not None]
    return min(limits, default=None)


def _v2(directory: Path) -> float | None:
    quota, _, period = _text(directory / "cpu.max").partition(" ")
    return _ratio(quota, period)


def _v1(directory: Path) -> float | None:
    return _ratio(_text(directory / "cpu.cfs_quota_us"), _text(directory / "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> float | None:
    # "max" of version 2 and "-1" of version 1 are no limit.
    if not (quota.isdecimal() and period.strip().isdecimal() and int(period) > 0):
        return None
    return int(quota) / int(period) if int(quota) > 0 else None


def _groups(root: Path) -> Iterator[Path]:
    """The directories of this process's groups that may hold a CPU limit, and of all groups above them."""
    memberships = dict(_memberships(root))
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if len(fields) < 5 or len(kinds) < 3:
            continue
        if kinds[0] == "cgroup2":
            group = memberships.get("")
        elif kinds[0] == "cgroup" and "cpu" in kinds[2].split(","):
            group = memberships.get("cpu")
        else:
            continue
        if group is not None:
            mounted_part, mount_point = _unescaped(fields[3]), _unescaped(fields[4])
            yield from _upwards(root / mount_point.lstrip("/"), _below(group, mounted_part))


def _memberships(root: Path) -> Iterator[tuple[str, str]]:
    """Controller -> group; the controller of version 2 is ''."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        yield from ((controller, group) for controller in controllers.split(","))


def _below(group: str, mounted_part: str) -> PurePosixPath:
    """The group's path under the mount point, which may show a part of the hierarchy only, as in a container."""
    try:
        inside = PurePosixPath(group).relative_to(mounted_part)
    except ValueError:  # the group is seen from another namespace: what is mounted is the nearest that we know
        return PurePosixPath()
    return PurePosixPath() if ".." in inside.parts else inside


def _upwards(mount_point: Path, inside: PurePosixPath) -> Iterator[Path]:
    yield mount_point / inside
    yield from (mount_point / parent for parent in inside.parents)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _unescaped(path: str) -> str:
    r"""The kernel writes a space in a path as \040."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)
