"""docker-compose in a clone of this repository, as a user has it: a project of its own, with settings of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]


@cache
def compose_command() -> tuple[str, ...] | None:
    """`docker compose`, or `docker-compose`; None without one."""
    for command in (("docker", "compose"), ("docker-compose",)):
        if shutil.which(command[0]) and subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            return command
    return None


def why_not() -> str | None:
    """Why nothing can be tried here; None if it can."""
    if shutil.which("docker") is None:
        return "no container engine: there is no command docker"
    done = subprocess.run(["docker", "info"], capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        return f"no container engine: {said[-1] if said else 'docker info fails'}"
    if compose_command() is None:
        return "neither docker compose nor docker-compose is installed"
    return None


def docker(*arguments: str, check: bool = True, given: str | None = None, timeout_s: float = 600) -> str:
    """What a command of docker prints, both streams."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, input=given, timeout=timeout_s)
    assert not check or done.returncode == 0, f"docker {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def image(name: str, target: str) -> str:
    """An image that can be had, or its stand-in of Debian's packages."""
    if subprocess.run(["docker", "image", "inspect", name], capture_output=True).returncode == 0:
        return name
    if subprocess.run(["docker", "pull", "--quiet", name], capture_output=True).returncode == 0:
        return name
    stand_in = f"bifocal-test-{target}"
    file = (Path(__file__).parent / "Dockerfile").read_text()
    docker("build", "--quiet", "--target", target, "--tag", stand_in, "-", given=file)
    return stand_in


@dataclass
class Stack:
    """A project of docker-compose.

    Args:
        folder: the clone.
        name: of the project.
        variables: what its .env would say.
    """

    folder: Path
    name: str
    variables: Mapping[str, str]
    overridden: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, check: bool = True, timeout_s: float = 3600) -> str:
        """What a command of docker-compose prints, both streams."""
        command = compose_command()
        assert command is not None
        done = subprocess.run(
            [*command, "--project-name", self.name, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=os.environ | dict(self.variables) | self.overridden,
        )
        assert not check or done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def url(self, variable: str = "PORT") -> str:
        """The address of a port that the variables name."""
        return f"http://127.0.0.1:{self.variables[variable]}"

    def containers(self, service: str) -> list[str]:
        """The ids of a service's containers, those that are over among them."""
        labels = [f"com.docker.compose.project={self.name}", f"com.docker.compose.service={service}"]
        filters = [part for label in labels for part in ("--filter", f"label={label}")]
        return docker("ps", "--all", "--quiet", *filters).split()

    def container(self, service: str = "service") -> str:
        """The id of a service's only container."""
        (found,) = self.containers(service)
        return found

    def inspect(self, container: str) -> dict[str, Any]:
        """What docker knows of a container."""
        found: dict[str, Any] = json.loads(docker("inspect", container))[0]
        return found

    def address(self, container: str) -> str:
        """Where a container listens, without the engine's own proxy between."""
        (network,) = self.inspect(container)["NetworkSettings"]["Networks"].values()
        return f"http://{network['IPAddress']}:8000"

    def python(self, container: str, program: str) -> str:
        """What a program prints that is run inside of a container."""
        return docker("exec", "--interactive", container, "python", given=program)

    def wait_until_healthy(self, services: Sequence[str] = ("service",), *, within_s: float = 300) -> None:
        """Waits until docker's own health checks are content with every container of some services."""
        until = time.monotonic() + within_s
        while True:
            states = [self.inspect(one)["State"] for service in services for one in self.containers(service)]
            if states and all(state.get("Health", {}).get("Status") == "healthy" for state in states):
                return
            assert time.monotonic() < until, self("logs", "--tail", "30")
            time.sleep(1)

    def remove(self) -> None:
        """All of it, with its volumes."""
        self("--profile", "scale", "--profile", "monitoring", "down", "--volumes", "--remove-orphans", check=False)


def versions(url: str, name: str) -> dict[int, str]:
    """The versions of a model, with their states."""
    found = httpx.get(f"{url}/models/{name}", timeout=30).json()
    return {version["version"]: version["state"] for version in found["versions"]}
