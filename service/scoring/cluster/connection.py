"""A Ray cluster to score on: one that runs, or one on this machine for as long as it is needed."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from model.errors import ClusterError
from service.scoring.cluster.library import ray

# Of the cluster on this machine: what is between its processes at once. Ray takes 30 % of the memory otherwise.
OBJECT_STORE_BYTES = 2**30
# Ray itself goes on trying for a minute.
REACHED_WITHIN_S = 5.0

# Read by Ray when it is imported. Despite its name it holds everywhere: where clusters are off, all of Ray's processes
# listen on the loopback address alone.
_CLUSTERS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


@contextmanager
def connected(address: str | None, *, cpus: int) -> Iterator[list[int]]:
    """Joins a cluster, or starts one; leaves it, or ends it, when the context ends.

    Args:
        address: HOST:PORT of the cluster, `auto` for the one that this machine is a node of; None for a new one.
        cpus: of a new one.

    Yields:
        The CPUs of each of its nodes.

    Raises:
        ClusterError: if there is none at the address, it can't be joined, or none can be started.
    """
    if address is None:
        _keep_to_this_machine()
    else:
        _refuse_unreachable(address)
    # Ray's C++ part warns, at each run, of how its own Python part makes actors.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    library = ray()
    # Of an actor that died Ray tells on stdout, which is for what the command itself says.
    with redirect_stdout(sys.stderr):
        yield from _joined(library, address, cpus=cpus)


def _joined(library: Any, address: str | None, *, cpus: int) -> Iterator[list[int]]:
    options: dict[str, Any] = {"address": address}
    if address is None:
        options = {"address": "local", "num_cpus": cpus, "object_store_memory": OBJECT_STORE_BYTES}
        options |= {"include_dashboard": False}
    try:
        library.init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # of a dozen kinds, and some are just that
        where = "on this machine could not be started" if address is None else f"at {address} could not be joined"
        raise ClusterError(f"A Ray cluster {where}: {str(error).strip() or repr(error)}") from error
    try:
        yield [int(node["Resources"].get("CPU", 0)) for node in library.nodes() if node["Alive"]]
    finally:
        library.shutdown()


def _keep_to_this_machine() -> None:
    """Has Ray listen on the loopback address, and ask for a token that only its own processes know."""
    os.environ[_CLUSTERS] = "0"
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _refuse_unreachable(address: str) -> None:
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdecimal()) or "/" in host:
        raise ClusterError(
            f"--ray-address {address}: expected HOST:PORT, as `ray start --head` tells it, or auto. The command is to "
            "run on a node of the cluster."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACHED_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"There is no Ray cluster at {address}: {error}. Start one with `ray start --head`, or leave --ray-address "
            "out for one on this machine."
        ) from None
