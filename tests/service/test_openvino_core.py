"""The one core of OpenVINO in a process."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own, which a signal would end without a word if there were a core for each network.
TWO_NETWORKS = """
import gc, os, signal
import numpy as np, openvino
from openvino import opset13 as operations
from service.runtime.openvino_core import core

def compiled():
    given = operations.parameter([1], np.float32)
    return core().compile_model(openvino.Model([operations.relu(given)], [given]), "CPU")

first, second = compiled(), compiled()
del first; gc.collect()
del second; gc.collect()
signal.signal(signal.SIGTERM, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_is_heard_after_the_networks_of_a_thread_are_gone() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_NETWORKS], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr
