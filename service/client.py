"""A client for Python programs. It needs httpx alone."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from model.errors import ServiceError


class Client:
    """Asks a running service.

        with Client("http://127.0.0.1:8000") as client:
            prediction = client.predict(image=Path("mug.jpg"), text="a red mug")
            print(prediction["heads"]["category"]["label"])

    Args:
        url: of the service.
        timeout_s: seconds to wait for an answer.
        transport: how requests travel; httpx's own if not given.
    """

    def __init__(
        self, url: str = "http://127.0.0.1:8000", *, timeout_s: float = 30, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_s, transport=transport)

    def predict(
        self, *, model: str | None = None, version: int | None = None, top_k: int = 5, **inputs: Path | bytes | str
    ) -> dict[str, Any]:
        """The prediction for one example.

        Args:
            model: which model; needed if several are served.
            version: which version; the one that is served if not given.
            top_k: labels in `top`.
            **inputs: by the model's names; a picture as a path or its encoded bytes, a text as a string.

        Returns:
            `heads` and `absent`, as `/predict` gives them for one prediction.

        Raises:
            ValueError: if no input is given.
            TypeError: if an input is neither a path nor bytes nor a string.
            ServiceError: if the service refuses.
            httpx.HTTPError: if it can't be reached.
        """
        if not inputs:
            raise ValueError("Give at least one input, as in predict(text='a red mug').")
        # A part without a file name is a field; given as `data`, a text alone would not make a multipart form.
        parts: dict[str, tuple[str | None, bytes]] = {}
        for name, value in inputs.items():
            if not isinstance(value, (Path, bytes, str)):
                raise TypeError(f"{name!r} must be a path, bytes or a string. Received: {type(value).__name__}.")
            if isinstance(value, str):
                parts[name] = (None, value.encode("utf-8"))
            else:
                parts[name] = (name, value.read_bytes() if isinstance(value, Path) else value)
        query = {"model": model, "version": version, "top_k": top_k}
        parameters = {key: str(value) for key, value in query.items() if value is not None}
        response = self._http.post("/predict", params=parameters, files=parts)
        if response.is_error:
            is_problem = "json" in response.headers.get("content-type", "")
            raise ServiceError(response.status_code, response.json() if is_problem else {"detail": response.text})
        prediction: dict[str, Any] = response.json()["predictions"][0]
        return prediction

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        self.close()
