"""What the server can be told, from the command line or the environment (`BIFOCAL_PORT=8080`)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from model.errors import SpecError
from model.images import DEFAULT_MAX_PIXELS
from model.validation import nearest
from service.backends import BackendName, is_float32

PREFIX = "BIFOCAL_"
MAX_TIMEOUT_MS = 600_000
_ORIGIN = re.compile(r"https?://[^/\s*@?#]+")
_SERVICE_LINK = re.compile(rf"{PREFIX}(SERVICE|PORT)_")


def _not_a_service_link(port: object) -> object:
    # Kubernetes sets BIFOCAL_PORT=tcp://10.0.0.1:8000 in every container beside a Service named `bifocal`.
    return 8000 if isinstance(port, str) and port.startswith("tcp://") else port


def _split_at_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _are_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is no origin; expected a scheme, a host and perhaps a port, as in https://shop.example or "
                "http://localhost:3000, without a path. All origins at once can't be allowed: name them"
            )
    return origins


class Settings(BaseSettings):
    """Settings of a server.

    Args:
        models: folder that holds `<name>/<version>/` bundles.
        state_dir: folder for what is to survive a restart, as pins; `<models>/.state` if not given.
        host: address to listen on.
        port: to listen on.
        insecure: listen on an address that others can reach without asking for keys.
        keys: file of API keys, as `bifocal-service keys` writes it; every request has to carry one then.
        cors_origins: origins whose pages may ask the service from a browser, separated by commas.
        max_batch_size: examples that one call of the model takes at most.
        max_waiting: examples that wait for one model at most; a request beyond them is refused.
        max_body_bytes: a request with a larger body is refused.
        max_pending_bytes: bodies of all requests in progress together; a request beyond them is refused.
        max_instances: a request with more examples is refused.
        max_pixels: a picture with more is refused before it is decoded.
        max_text_characters: a longer text is refused.
        max_json_depth: JSON nested deeper is refused.
        max_connections: open connections; one more is answered with 503.
        timeout_ms: milliseconds from the end of a request's headers to its answer, unless it says `timeout_ms` itself.
        header_timeout_s: seconds a client may take to send the headers of a request.
        body_stall_s: seconds for which nothing of a body may come while it is waited for.
        drain_pause_s: seconds that the service goes on accepting requests, though not ready, after SIGTERM.
        drain_timeout_s: seconds that accepted requests may take after that.
        poll_s: seconds between two looks at the models folder.
        keep_versions: versions of a model that stay loaded, the one that answers among them.
        backend: what computes the probabilities; `auto` measures when a model is loaded.
        precision: `float32` leaves out backends with another; `auto` lets all compete.
        cpus: CPUs that the numbers of threads are chosen for; what this process may use if not given.
        decode_threads, model_threads: that decode pictures; that call each model.
        intra_op_threads, inter_op_threads: TensorFlow's own.
        log_inputs: write texts, and size and digest of pictures, to the log.
        traces: send OpenTelemetry traces, where OTEL_EXPORTER_OTLP_ENDPOINT says; needs `bifocal[traces]`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    models: Path = Path("models")
    state_dir: Path | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, BeforeValidator(_not_a_service_link)] = Field(8000, ge=0, le=65535)
    insecure: bool = False
    keys: Path | None = None
    cors_origins: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_split_at_commas), AfterValidator(_are_origins)
    ] = ()
    max_batch_size: int = Field(32, ge=1)
    max_waiting: int = Field(1024, ge=1)
    max_body_bytes: int = Field(64 * 2**20, ge=1)
    max_pending_bytes: int = Field(512 * 2**20, ge=1)
    max_instances: int = Field(256, ge=1)
    max_pixels: int = Field(DEFAULT_MAX_PIXELS, ge=1)
    max_text_characters: int = Field(20_000, ge=1)
    max_json_depth: int = Field(32, ge=4)
    max_connections: int = Field(2048, ge=1)
    timeout_ms: int = Field(30_000, ge=1, le=MAX_TIMEOUT_MS)
    header_timeout_s: float = Field(10, gt=0)
    body_stall_s: float = Field(10, gt=0)
    drain_pause_s: float = Field(0, ge=0)
    drain_timeout_s: float = Field(30, ge=0)
    poll_s: float = Field(2, gt=0)
    keep_versions: int = Field(2, ge=1)
    backend: Literal[BackendName, "auto"] = "auto"
    precision: Literal["auto", "float32"] = "auto"
    cpus: int | None = Field(None, ge=1)
    decode_threads: int | None = Field(None, ge=1)
    model_threads: int | None = Field(None, ge=1)
    intra_op_threads: int | None = Field(None, ge=1)
    inter_op_threads: int | None = Field(None, ge=1)
    log_inputs: bool = False
    traces: bool = False

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.state_dir or self.models / ".state"

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.max_instances > self.max_waiting:
            raise ValueError(
                f"BIFOCAL_MAX_INSTANCES ({self.max_instances}) is over BIFOCAL_MAX_WAITING ({self.max_waiting}): such "
                "a request could never be accepted"
            )
        if self.max_body_bytes > self.max_pending_bytes:
            raise ValueError(
                f"BIFOCAL_MAX_BODY_BYTES ({self.max_body_bytes}) is over BIFOCAL_MAX_PENDING_BYTES "
                f"({self.max_pending_bytes}): such a request could never be accepted"
            )
        if self.backend != "auto" and self.precision == "float32" and not is_float32(self.backend):
            raise ValueError(
                f"BIFOCAL_BACKEND ({self.backend}) does not compute in float32, as BIFOCAL_PRECISION says; "
                "set one of them"
            )
        return self


def load_settings(given: Mapping[str, Any]) -> Settings:
    """The settings of this process: those given, for the rest the environment, for the rest the defaults.

    Raises:
        SpecError: naming each setting that is wrong, and any BIFOCAL_ variable that is none.
    """
    refuse_unknown_variables(os.environ)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SpecError("\n".join(_line(detail, given) for detail in error.errors())) from None


def _line(detail: ErrorDetails, given: Mapping[str, Any]) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:  # settings that do not fit together
        return f"{message}."
    name = str(detail["loc"][0])
    told_as = f"--{name}" if name in given else PREFIX + name.upper()
    return f"{told_as}: {message}. Received: {detail['input']!r}."


def refuse_unknown_variables(environment: Iterable[str]) -> None:
    """Notices a misspelt setting, which would otherwise do nothing.

    Args:
        environment: names of the variables. Those that Kubernetes adds for a Service named `bifocal` are passed over.

    Raises:
        SpecError: at the first one that begins like a setting and is none.
    """
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in environment:
        if name.upper().startswith(PREFIX) and name.upper() not in known and not _SERVICE_LINK.match(name):
            raise SpecError(f"The environment has {name}, which is no setting{nearest(name.upper(), known)}")
