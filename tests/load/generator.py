"""Sends requests to a service from a process of its own, and says what became of each.

    python -m tests.load.generator PORT SECONDS REQUEST_FILE [--rate N | --clients N]

With `--rate` a request is sent every 1/N s, whatever happens to those before (an open loop: users do not wait for each
other); with `--clients` each of N sends its next when it has its answer (a closed loop, for the peak). One JSON list a
request goes to standard output: seconds since the start when it was sent, seconds until its answer, status (0: none).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop

Result = tuple[float, float, int]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Load:
    """Requests over kept-alive connections to one port of 127.0.0.1.

    Args:
        port: of the service.
        request: a whole request, as it goes over the wire.
    """

    def __init__(self, port: int, request: bytes) -> None:
        self._port = port
        self._request = request
        self._idle: list[Connection] = []
        self._begun = time.perf_counter()
        self.results: list[Result] = []

    async def closed(self, clients: int, seconds: float) -> None:
        """Each client sends its next request when it has the answer to the one before."""

        async def one() -> None:
            while time.perf_counter() - self._begun < seconds:
                await self._ask()

        await asyncio.gather(*(one() for _ in range(clients)))

    async def open(self, rate: float, seconds: float) -> None:
        """A request every `1 / rate` seconds."""
        tasks = []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(self._begun + number / rate - time.perf_counter())
            tasks.append(asyncio.create_task(self._ask()))
        await asyncio.gather(*tasks)

    async def _ask(self) -> None:
        sent = time.perf_counter()
        status = 0
        try:
            connection = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
            connection[1].write(self._request)
            head = (await connection[0].readuntil(b"\r\n\r\n")).lower()
            status = int(head[9:12])
            await connection[0].readexactly(int(head.partition(b"content-length:")[2].split(b"\r", 1)[0]))
            if b"connection: close" in head:
                connection[1].close()
            else:
                self._idle.append(connection)
        except (OSError, EOFError):
            status = 0
        self.results.append((sent - self._begun, time.perf_counter() - sent, status))


async def main() -> None:
    """Reads the command line, sends, prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("request", type=Path)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--clients", type=int, default=1)
    given = parser.parse_args()
    load = Load(given.port, given.request.read_bytes())
    await (load.open(given.rate, given.seconds) if given.rate else load.closed(given.clients, given.seconds))
    json.dump(load.results, sys.stdout)


if __name__ == "__main__":
    uvloop.run(main())
