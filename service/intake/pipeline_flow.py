"""When a connection is read and when not."""

from __future__ import annotations

import asyncio
from collections.abc import Sized

from uvicorn.protocols.http.flow_control import FlowControl


class PipelineFlow(FlowControl):
    """Reads no more while requests wait behind another: uvicorn's own goes on after each answer.

    Args:
        transport: that is read.
        waiting: the requests.
    """

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Unless what came is enough for now."""
        if not self._waiting:
            super().resume_reading()
