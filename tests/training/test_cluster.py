"""Who trains together, by TF_CONFIG."""

from __future__ import annotations

import json
from typing import Any

import pytest

from model.errors import ClusterError
from training.distributed.cluster import Cluster

WORKERS = ["a:5000", "b:5000"]


def told(cluster: object, **task: object) -> Cluster | None:
    return Cluster.from_environment({"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})})


def test_without_the_variable_a_process_trains_alone() -> None:
    assert Cluster.from_environment({}) is None
    assert Cluster.from_environment({"TF_CONFIG": " "}) is None


def test_the_first_worker_is_the_chief() -> None:
    first, second = (told({"worker": WORKERS}, type="worker", index=index) for index in (0, 1))

    assert (first, second) == (Cluster(("a:5000", "b:5000"), 0), Cluster(("a:5000", "b:5000"), 1))
    assert first is not None
    assert first.is_chief
    assert second is not None
    assert not second.is_chief


def test_a_chief_comes_before_the_workers_as_in_a_tfjob() -> None:
    jobs = {"chief": ["c:2222"], "worker": WORKERS}

    assert told(jobs, type="chief", index=0) == Cluster(("c:2222", "a:5000", "b:5000"), 0)
    assert told(jobs, type="worker", index="1") == Cluster(("c:2222", "a:5000", "b:5000"), 2)


def test_one_process_by_itself_trains_alone() -> None:
    assert told({"worker": ["a:5000"]}, type="worker", index=0) is None


def test_ipv6_addresses_are_addresses() -> None:
    assert told({"worker": ["[::1]:5000", "[::1]:5001"]}, type="worker", index=1) is not None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", r"TF_CONFIG is no JSON \(.*\)\. Expected: \{.*Unset it to train alone"),
        ({"cluster": [1]}, "has a 'cluster' or a 'task' that is no object"),
        ({"cluster": {"ps": ["a:1"], "worker": WORKERS}}, "has 'ps' in its cluster; only 'chief' and 'worker' train"),
        ({"cluster": {"worker": "a:1"}}, "has for 'worker' no list of addresses"),
        ({"cluster": {"worker": ["a:1", "b"]}}, "has 'b' for an address of 'worker'; expected host:port"),
        ({"cluster": {"worker": WORKERS}}, "has the task type None; expected 'chief' or 'worker'"),
        (
            {"cluster": {"worker": WORKERS}, "task": {"type": "worker", "index": 2}},
            "has the task index 2, but 2 addresses of 'worker'",
        ),
        (
            {"cluster": {"worker": WORKERS}, "task": {"type": "chief", "index": 0}},
            "has the task index 0, but 0 addresses of 'chief'",
        ),
    ],
)
def test_what_can_not_be_used_is_refused(config: Any, message: str) -> None:
    text = config if isinstance(config, str) else json.dumps(config)

    with pytest.raises(ClusterError, match=message):
        Cluster.from_environment({"TF_CONFIG": text})
