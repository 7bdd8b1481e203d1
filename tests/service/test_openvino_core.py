"""The one core of OpenVINO in a process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import openvino
import pytest
from openvino import opset13 as operations

from service.runtime.openvino_core import compiled

# In a process of its own, which a signal would end without a word if there were a core for each network.
TWO_NETWORKS = """
import gc, os, signal
from service.runtime.openvino_core import compiled  # first: it keeps OpenVINO from telling its vendor
import numpy as np, openvino
from openvino import opset13 as operations

def network():
    given = operations.parameter([1], np.float32)
    return compiled(openvino.Model([operations.relu(given)], [given]))

first, second = network(), network()
del first; gc.collect()
del second; gc.collect()
signal.signal(signal.SIGTERM, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.mark.slow
def test_a_signal_is_heard_after_the_networks_of_a_thread_are_gone() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_NETWORKS], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


def test_threads_are_not_pinned_to_cpus() -> None:
    given = operations.parameter([1], np.float32)
    network = compiled(openvino.Model([operations.relu(given)], [given]))

    assert network.get_property("ENABLE_CPU_PINNING") is False
