"""`GET /` and `GET /page/{file}`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from model.errors import NotFoundError
from service.page.files import File, files

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index(request: Request) -> Response:
    """The page."""
    return _sent(request, files()["index.html"])


@router.get("/page/{file}")
async def file_of_the_page(request: Request, file: str) -> Response:
    """A script, a style or a picture of the page."""
    found = files().get(file)
    if found is None:
        raise NotFoundError(f"The page has no file {file!r:.80}.")
    return _sent(request, found)


def _sent(request: Request, file: File) -> Response:
    """The whole file, or 304 to a browser that has it; it asks each time, so that a new build is seen at once."""
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if file.etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers | {"Content-Type": file.media_type})
