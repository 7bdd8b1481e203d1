"""Whether a caller takes the kind of answer that is given."""

from __future__ import annotations

from starlette.requests import Request

from model.errors import NotAcceptableError

_TAKEN = {"application/json", "application/problem+json", "application/*", "*/*"}


def refuse_unacceptable(request: Request) -> None:
    """Refuses a request whose `Accept` has no place for JSON (RFC 9110, 12.5.1).

    Raises:
        NotAcceptableError: saying what it accepts.
    """
    accepted = ",".join(request.headers.getlist("accept"))
    if accepted.strip() and not any(_takes_json(part) for part in accepted.split(",")):
        raise NotAcceptableError(f"Answers are application/json; the request accepts {accepted[:200]!r} only.")


def _takes_json(part: str) -> bool:
    media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
    refused = any(parameter.replace(" ", "").rstrip("0") in ("q=", "q=0.") for parameter in parameters)
    return media_type in _TAKEN and not refused
