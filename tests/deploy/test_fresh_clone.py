"""The first thing that anybody does."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from tests.deploy.conftest import variables
from tests.deploy.stack import Stack

# Building the images takes ten minutes on a small machine, and training the demo set another.
pytestmark = [pytest.mark.deploy, pytest.mark.timeout(3600)]


def test_up_in_a_fresh_clone_ends_in_a_prediction(clone: Path, photo: bytes) -> None:
    stack = Stack(clone, f"bifocal-fresh-{os.getpid()}", variables())
    try:
        stack("up", "--detach", "--build")
        stack.wait_until_healthy()
        answer = httpx.post(
            f"{stack.url()}/predict", files={"image": photo}, data={"text": "handle broke off"}, timeout=60
        )

        assert answer.status_code == 200
        assert answer.json()["model"] == {"name": "demo", "version": 1}
        assert len(httpx.get(f"{stack.url()}/models/demo/examples").json()["examples"]) > 0
        # Again, as after a reboot: nothing is trained.
        stack("up", "--detach")
        assert "models holds demo version 1: nothing to train." in stack("logs", "train")
    finally:
        stack.remove()
