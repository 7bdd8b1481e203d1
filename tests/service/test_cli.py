"""`bifocal-service` as a person starts it: a process with output and an exit code."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from service.cli import app
from tests.service.running import wait_until
from tests.service.stand_in import picture, write_bundle
from training.fit import Fitted

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "service"]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("BIFOCAL_")}


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A whole run of the command, from start to end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@contextmanager
def started(log: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command while it runs; what it writes goes to `log`."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)], cwd=ROOT, env=ENVIRONMENT, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


SERVE_STAND_IN = """
import sys, time
from pathlib import Path
from service.app import create_app
from service.server import Server
from service.settings import Settings
from tests.service.stand_in import Namer
import uvicorn

class Slow(Namer):
    def predict(self, examples):
        Path("busy").touch()
        time.sleep(float(sys.argv[2]))
        return super().predict(examples)

app = create_app(Settings(models="models"), Slow)
def drain():
    app.state.store.is_draining = True
config = uvicorn.Config(app, host="127.0.0.1", port=int(sys.argv[1]), ws="none")
Server(config, on_drain=drain, pause_s=float(sys.argv[3])).run()
"""


@contextmanager
def slow_service(home: Path, seconds: float, pause_s: float = 0) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A service in a process of its own whose model takes `seconds` for each batch."""
    write_bundle(home / "models")
    port = free_port()
    command = [sys.executable, "-c", SERVE_STAND_IN, str(port), str(seconds), str(pause_s)]
    process = subprocess.Popen(command, cwd=home, env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)})
    try:
        wait_until(lambda: is_ready(f"http://127.0.0.1:{port}") or process.poll() is not None)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_told_to_end_it_answers_what_it_accepted_and_exits_with_0(tmp_path: Path) -> None:
    with slow_service(tmp_path, 1.0) as (process, url), ThreadPoolExecutor(1) as caller:
        answer = caller.submit(httpx.post, f"{url}/predict", json={"text": "red"}, timeout=20)
        wait_until((tmp_path / "busy").exists)
        process.terminate()

        assert process.wait(20) == 0
        assert answer.result(20).status_code == 200


def test_for_a_while_after_it_was_told_to_end_it_takes_requests_but_is_not_ready(tmp_path: Path) -> None:
    with slow_service(tmp_path, 0, pause_s=1.5) as (process, url):
        process.terminate()
        wait_until(lambda: not is_ready(url))
        answer = httpx.post(f"{url}/predict", json={"text": "red"})

        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert process.wait(20) == 0


def test_told_twice_it_ends_at_once(tmp_path: Path) -> None:
    with slow_service(tmp_path, 30) as (process, url), ThreadPoolExecutor(1) as caller:
        answer = caller.submit(httpx.post, f"{url}/predict", json={"text": "red"}, timeout=20)
        wait_until((tmp_path / "busy").exists)
        process.terminate()
        wait_until(lambda: not is_ready(url))
        process.terminate()

        assert process.wait(5) == 128 + signal.SIGTERM
        assert isinstance(answer.exception(5), httpx.TransportError)


def test_help_names_the_command_and_its_options() -> None:
    assert "serve" in run("--help").stdout
    done = run("serve", "--help")
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("MODELS", "--host", "--port", "--example", "BIFOCAL_MODELS"))


def test_a_folder_without_models_is_one_line_and_exit_code_1(models: Path) -> None:
    done = run("serve", models)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"error: There is no model in {models}: expected {models}/<name>/<version>/. Train one with "
        "'bifocal-training fit', or point to another folder."
    ]


def test_the_folder_can_come_from_the_environment(models: Path) -> None:
    assert f"There is no model in {models}" in run("serve", BIFOCAL_MODELS=str(models)).stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--port", "http"], {}, "Invalid value for '--port'"),
        (["--port", "70000"], {}, "--port: Input should be less than or equal to 65535. Received: 70000."),
        ([], {"BIFOCAL_MAX_PIXELS": "many"}, "BIFOCAL_MAX_PIXELS: Input should be a valid integer"),
        (["--prot", "8000"], {}, "--prot"),
        (["--host", "192.0.2.1"], {}, "--insecure"),
    ],
)
def test_a_wrong_setting_is_exit_code_2_and_names_it(
    arguments: list[str], environment: dict[str, str], message: str
) -> None:
    done = CliRunner().invoke(app, ["serve", *arguments], env=environment)

    assert done.exit_code == 2
    assert message in re.sub(r"[│\s]+", " ", done.stderr)  # the box around it breaks lines
    assert "Traceback" not in done.stderr


def test_if_every_bundle_is_refused_the_server_stops_with_exit_code_1(models: Path) -> None:
    write_bundle(models, format_version=99)

    done = run("serve", models, "--port", "0")

    assert done.returncode == 1
    assert "model colours version 1 is refused: Bundle 1 has format 99" in done.stderr
    assert f"None of the models in {models} can be served: colours." in done.stderr
    assert "Traceback" not in done.stderr


def test_an_example_that_cannot_be_read_is_a_warning_and_no_reason_not_to_serve(models: Path) -> None:
    write_bundle(models, format_version=99)

    done = run("serve", models, "--port", "0", "--example", models / "manifest.csv")

    # That it ends is for another reason: the bundle is of a newer format.
    assert f"warning: no example request: The example manifest {models}/manifest.csv can't be " in done.stderr
    assert "Uvicorn running on" in done.stderr


def test_it_serves_prints_a_request_that_works_and_stops_when_told(
    tiny_fitted: Fitted, tiny_manifest: Path, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "log.txt"
    address = f"http://127.0.0.1:{port}"
    with started(
        log, "serve", tiny_fitted.published.parents[1], "--port", str(port), "--example", tiny_manifest
    ) as process:
        wait_until(lambda: "model tiny version 1 is ready" in log.read_text() or process.poll() is not None)
        answer = httpx.post(f"{address}/predict", files={"image": picture(), "caption": (None, b"a tomato")})
        process.terminate()
        code = process.wait(30)

    output = log.read_text()
    (curl,) = [line for line in output.splitlines() if line.strip().startswith("curl ")]
    assert answer.json()["model"] == {"name": "tiny", "version": 1}
    assert shlex.split(curl)[-1] == f"{address}/predict"
    (request,) = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert (request["route"], request["status"], request["model"]) == ("/predict", 200, "tiny")
    assert "Threads for " in output
    assert "Application shutdown complete" in output
    assert "Traceback" not in output
    assert code == 0
