"""CPUs that a container may use, read from trees of files as kernels show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.cgroup import Cpus, cpu_limit, usable_cpus

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw"
V1 = "33 32 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a file system with nothing in it."""
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")


@pytest.mark.parametrize(
    ("text", "limit"),
    [("max 100000", None), ("150000 100000", 1.5), ("50000 100000", 0.5), ("", None), ("garbage", None), ("1 0", None)],
)
def test_the_limit_of_version_2_is_its_quota_in_periods(text: str, limit: float | None, root: Path) -> None:
    write(root, {"proc/self/cgroup": "0::/", "proc/self/mountinfo": V2, "sys/fs/cgroup/cpu.max": text})

    assert cpu_limit(root) == limit


@pytest.mark.parametrize("tight", ["sys/fs/cgroup", "sys/fs/cgroup/pods", "sys/fs/cgroup/pods/one"])
def test_the_smallest_limit_counts_wherever_above_the_process_it_is(tight: str, root: Path) -> None:
    groups = ["sys/fs/cgroup", "sys/fs/cgroup/pods", "sys/fs/cgroup/pods/one"]
    write(root, {f"{group}/cpu.max": "800000 100000" for group in groups})
    write(root, {"proc/self/cgroup": "0::/pods/one", "proc/self/mountinfo": V2, f"{tight}/cpu.max": "250000 100000"})

    assert cpu_limit(root) == 2.5


@pytest.mark.parametrize(("quota", "limit"), [("-1", None), ("300000", 3.0)])
def test_version_1_has_quota_and_period_in_two_files(quota: str, limit: float | None, root: Path) -> None:
    group = "sys/fs/cgroup/cpu,cpuacct/docker/abc"
    write(root, {"proc/self/cgroup": "4:cpu,cpuacct:/docker/abc\n0::/", "proc/self/mountinfo": V1})
    write(root, {f"{group}/cpu.cfs_quota_us": quota, f"{group}/cpu.cfs_period_us": "100000"})

    assert cpu_limit(root) == limit


def test_a_container_of_version_1_sees_its_own_group_where_it_is_mounted(root: Path) -> None:
    mounted = "33 32 0:30 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu"
    write(root, {"proc/self/cgroup": "4:cpu:/docker/abc", "proc/self/mountinfo": mounted})
    write(root, {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "25000"})

    assert cpu_limit(root) == 2.0


@pytest.mark.parametrize(("group", "mounted"), [("/../other", "/"), ("/../other", "/pods"), ("/elsewhere", "/pods")])
def test_a_group_of_another_namespace_leaves_what_is_mounted(group: str, mounted: str, root: Path) -> None:
    mounts = f"30 23 0:26 {mounted} /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
    write(root, {"proc/self/cgroup": f"0::{group}", "proc/self/mountinfo": mounts})
    write(root, {"sys/fs/cgroup/cpu.max": "200000 100000", "sys/fs/other/cpu.max": "100000 100000"})

    assert cpu_limit(root) == 2.0


def test_where_both_versions_are_mounted_both_count(root: Path) -> None:
    write(root, {"proc/self/cgroup": "4:cpu,cpuacct:/\n0::/a", "proc/self/mountinfo": f"{V1}\n{V2}"})
    write(root, {"sys/fs/cgroup/a/cpu.max": "400000 100000"})
    write(root, {f"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_{name}_us": n for name, n in [("quota", "6"), ("period", "2")]})

    assert cpu_limit(root) == 3.0


def test_a_mount_point_with_a_space_is_found(root: Path) -> None:
    mounted = r"30 23 0:26 / /odd\040place rw - cgroup2 cgroup2 rw"
    write(root, {"proc/self/cgroup": "0::/", "proc/self/mountinfo": mounted, "odd place/cpu.max": "70000 10000"})

    assert cpu_limit(root) == 7.0


@pytest.mark.parametrize("line", ["", "4", "0::", "a:b:c:d"])
def test_lines_that_nobody_has_seen_yet_are_no_limit(line: str, root: Path) -> None:
    write(root, {"proc/self/cgroup": line, "proc/self/mountinfo": f"{line}\n1 2 - cgroup2\n- -"})

    assert cpu_limit(root) is None


@pytest.mark.parametrize(
    ("quota", "scheduled", "cpus"),
    [
        ("max", 4, Cpus(4, "all that this process is scheduled on")),
        ("150000", 8, Cpus(2, "the cgroup allows 1.5 of 8")),
        ("10000", 8, Cpus(1, "the cgroup allows 0.1 of 8")),
        ("350000", 4, Cpus(4, "all that this process is scheduled on")),
        ("900000", 2, Cpus(2, "all that this process is scheduled on")),
    ],
)
def test_a_limit_is_rounded_up_and_never_more_than_there_are(
    quota: str, scheduled: int, cpus: Cpus, root: Path
) -> None:
    write(root, {"proc/self/cgroup": "0::/", "proc/self/mountinfo": V2, "sys/fs/cgroup/cpu.max": f"{quota} 100000"})

    assert usable_cpus(root, scheduled=scheduled) == cpus


def test_without_anything_to_read_it_is_what_the_process_is_scheduled_on(root: Path) -> None:
    assert usable_cpus(root).number >= 1
    assert cpu_limit(root) is None
