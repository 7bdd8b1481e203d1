"""The errors of the two compatible APIs: `{"error": "..."}`, where all other routes answer with a problem document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

_ROOTS = ("/v1", "/v2")

# For the OpenAPI document of the routers below those roots.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What was wrong, what was expected, how to mend it.",
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
            }
        },
    }
}


def is_compatible(path: str) -> bool:
    """Whether a path is of TensorFlow Serving's API or the Open Inference Protocol, whose clients look for `error`."""
    return any(path == root or path.startswith(f"{root}/") for root in _ROOTS)


def error_document(detail: str, status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as both APIs have it.

    Args:
        detail: what was wrong, what was expected, how to mend it.
        status: HTTP status code.
        headers: to send along.
    """
    return JSONResponse({"error": detail}, status, headers)
