"""Ctrl-C and SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from model.errors import StoppedError
from training.stopping import Stop

TWICE = """
import os, signal
from training.stopping import Stop
with Stop() as stop, stop.deferred():
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.asked == signal.SIGTERM
    os.kill(os.getpid(), signal.SIGTERM)
    print("still here")
"""


def test_a_signal_ends_what_is_under_way() -> None:
    with pytest.raises(StoppedError, match=r"^Stopped by SIGTERM\.$") as caught, Stop():
        os.kill(os.getpid(), signal.SIGTERM)

    assert caught.value.signal == 15


def test_where_it_is_deferred_it_is_noted_first() -> None:
    noted = []

    def defer(stop: Stop) -> None:
        with stop.deferred():
            os.kill(os.getpid(), signal.SIGINT)
            noted.append(stop.asked)

    with pytest.raises(StoppedError), Stop() as stop:
        defer(stop)
    assert noted == [signal.SIGINT]


def test_where_python_hears_nothing_a_signal_ends_the_process_at_once() -> None:
    with Stop() as stop:
        listening = signal.getsignal(signal.SIGTERM)
        with stop.ending_at_once():
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
            signal.signal(signal.SIGTERM, lambda *_: None)  # as a library does
        assert signal.getsignal(signal.SIGTERM) == listening


def test_afterwards_signals_do_what_they_did_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Stop():
        assert signal.getsignal(signal.SIGINT) is not before

    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_signal_ends_the_process_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, check=False)

    assert done.returncode == -signal.SIGTERM, done.stderr
    assert done.stdout == ""
