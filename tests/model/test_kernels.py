"""Which library computes."""

import os

import pytest

from model.kernels import VARIABLE, prefer_onednn


@pytest.mark.parametrize(
    ("machine", "before", "after"),
    [
        ("x86_64", {}, {VARIABLE: "1"}),
        ("AMD64", {}, {VARIABLE: "1"}),
        ("x86_64", {VARIABLE: "0"}, {VARIABLE: "0"}),
        ("aarch64", {}, {}),
    ],
)
def test_onednn_is_preferred_on_x86_unless_told_otherwise(
    machine: str, before: dict[str, str], after: dict[str, str]
) -> None:
    environment = dict(before)
    prefer_onednn(environment, machine)

    assert environment == after


@pytest.mark.skipif("x86" not in os.uname().machine, reason="oneDNN is preferred on x86 alone")
def test_importing_the_package_is_enough() -> None:
    assert VARIABLE in os.environ
