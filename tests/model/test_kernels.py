"""Which library computes."""

import os
import subprocess
import sys

import pytest

from model.kernels import VARIABLE, avoid_onednn, prefer_onednn


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


def test_it_can_be_avoided_whatever_was_preferred() -> None:
    environment: dict[str, str] = {}
    prefer_onednn(environment, "x86_64")
    avoid_onednn(environment)

    assert environment == {VARIABLE: "0"}


@pytest.mark.skipif("x86" not in os.uname().machine, reason="oneDNN is preferred on x86 alone")
@pytest.mark.parametrize("module", ["model.heads", "training.step", "service.runtime"])
def test_it_is_said_before_tensorflow_is_imported(module: str) -> None:
    code = f"""import os, sys
class Watch:
    def find_spec(self, name, *_):
        if name == "tensorflow":
            print(os.environ.get("{VARIABLE}"))
            os._exit(0)
sys.meta_path.insert(0, Watch())
import {module}
"""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout == "1\n"
