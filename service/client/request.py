"""From the calls of a client to requests."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from service.client.values import encoded

if TYPE_CHECKING:
    from service.client.values import Value

# What a service accepts in one request unless it is told otherwise.
MAX_INSTANCES = 256
MAX_BODY_BYTES = 64 * 2**20
# The longest `timeout_ms` that a service takes.
MAX_TIMEOUT_MS = 600_000

_JSON = {"Content-Type": "application/json"}
_OPENING, _CLOSING = b'{"instances":[', b"]}"

# The parts of a form; one without a file name is a field.
Parts = Mapping[str, tuple[str | None, bytes]]


@dataclass(frozen=True)
class Request:
    """What is to be sent.

    Args:
        method: of HTTP.
        path: below the address of the service.
        query: of the address.
        headers: beside those that every request carries.
        body: if it is no form.
        parts: of a form.
        has_deadline: whether the service takes `timeout_ms` for it.
        examples: that it asks about; None if about none.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    parts: Parts | None = None
    has_deadline: bool = False
    examples: int | None = None

    def query_within(self, timeout_s: float) -> dict[str, str]:
        """The query of a request that is to be answered in so many seconds.

        The service is given a little less, so that a refusal of its own still arrives.
        """
        if not self.has_deadline:
            return dict(self.query)
        timeout_ms = int(1000 * (timeout_s - min(0.25, timeout_s / 10)))
        return {**self.query, "timeout_ms": str(min(max(timeout_ms, 1), MAX_TIMEOUT_MS))}


@dataclass(frozen=True)
class Options:
    """What a request for predictions says beside its examples.

    Args:
        model: which model; needed if several are served.
        version: which version; the one that answers if not given.
        top_k: labels in `top`.
        explain: whether to say why.
    """

    model: str | None = None
    version: int | None = None
    top_k: int = 5
    explain: bool = False

    def query(self) -> dict[str, str]:
        """As the service takes them."""
        given = {"model": self.model, "version": self.version, "top_k": self.top_k}
        query = {key: str(value) for key, value in given.items() if value is not None}
        return {**query, "explain": "true"} if self.explain else query


def for_one(example: Mapping[str, Value], options: Options) -> Request:
    """A request for one example: a form, which carries pictures as they are.

    A form has no lists, so an example with one goes as JSON.
    """
    values = encoded(example)
    if any(isinstance(value, list) for value in values.values()):
        return Request("POST", "/predict", options.query(), _JSON, body=_as_json(values), has_deadline=True, examples=1)
    parts = {name: (name, value) if isinstance(value, bytes) else _field(value) for name, value in values.items()}
    return Request("POST", "/predict", options.query(), parts=parts, has_deadline=True, examples=1)


def for_many(
    examples: Iterable[Mapping[str, Value]],
    options: Options,
    *,
    max_instances: int = MAX_INSTANCES,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Iterator[tuple[int, Request]]:
    """Requests for any number of examples, made as they are needed.

    Args:
        examples: in the order of the answers.
        options: for all of them.
        max_instances: examples in one request at most.
        max_body_bytes: size of its body at most; an example that is larger alone goes alone.

    Yields:
        The number of the first example in a request, from 0, and the request.

    Raises:
        ValueError, TypeError: naming the example, if one can't be sent.
    """
    waiting: list[bytes] = []
    size = first = 0
    for number, example in enumerate(examples):
        instance = _instance(number, example)
        longer = size + len(instance) + 1
        if waiting and (len(waiting) == max_instances or longer + len(_OPENING + _CLOSING) > max_body_bytes):
            yield first, _instances(waiting, options)
            waiting, size, first = [], 0, number
        waiting.append(instance)
        size += len(instance) + 1
    if waiting:
        yield first, _instances(waiting, options)


def of_models() -> Request:
    """For all models."""
    return Request("GET", "/models")


def of_model(name: str) -> Request:
    """For one model."""
    return Request("GET", f"/models/{quote(name, safe='')}")


def to_activate(name: str, version: int | None) -> Request:
    """To have a version answer; None is the newest."""
    body = json.dumps({"version": version}).encode()
    return Request("POST", f"/admin/models/{quote(name, safe='')}/activate", headers=_JSON, body=body)


def of_readiness() -> Request:
    """For whether the service is ready."""
    return Request("GET", "/readyz")


def _field(value: str | list[str]) -> tuple[None, bytes]:
    return None, str(value).encode("utf-8")


def _instance(number: int, example: Mapping[str, Value]) -> bytes:
    try:
        return _as_json(encoded(example))
    except (ValueError, TypeError) as error:
        raise type(error)(f"Example {number}: {error}") from None


def _instances(instances: list[bytes], options: Options) -> Request:
    body = _OPENING + b",".join(instances) + _CLOSING
    return Request("POST", "/predict", options.query(), _JSON, body=body, has_deadline=True, examples=len(instances))


def _as_json(values: Mapping[str, bytes | str | list[str]]) -> bytes:
    plain = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value for name, value in values.items()
    }
    return json.dumps(plain, ensure_ascii=False).encode("utf-8")
