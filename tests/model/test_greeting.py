"""What TensorFlow prints when it is imported, and what must not be lost with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

LINES = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795247573.243527   12221 port.cc:153] oneDNN custom operations are on.",
    "E0000 00:00:1795247573.243527   12221 port.cc:153] something is broken",
    "INFO:     Uvicorn running",
)
PROGRAM = """
import os, sys
from model.greeting import filtered

with filtered():
    for line in sys.argv[2:]:
        os.write(2, line.encode() + b"\\n")
    if sys.argv[1] == "crash":
        os.abort()
os.write(2, b"I0000 after\\n")
"""


def said(mode: str) -> list[str]:
    command = [sys.executable, "-c", PROGRAM, mode, *LINES]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stderr.splitlines()


def test_only_the_greeting_is_taken_away_and_only_meanwhile() -> None:
    assert said("import") == [LINES[2], LINES[3], "I0000 after"]


def test_the_last_words_of_an_import_that_crashes_come_out() -> None:
    assert LINES[3] in said("crash")
