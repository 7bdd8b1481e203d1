"""What the server can be told, from the command line or the environment (`BIFOCAL_PORT=8080`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from model.errors import SpecError
from model.images import DEFAULT_MAX_PIXELS
from model.validation import nearest

PREFIX = "BIFOCAL_"
_SERVICE_LINK = re.compile(rf"{PREFIX}(SERVICE|PORT)_")


def _not_a_service_link(port: object) -> object:
    # Kubernetes sets BIFOCAL_PORT=tcp://10.0.0.1:8000 in every container beside a Service named `bifocal`.
    return 8000 if isinstance(port, str) and port.startswith("tcp://") else port


class Settings(BaseSettings):
    """Settings of a server.

    Args:
        models: folder that holds `<name>/<version>/` bundles.
        host: address to listen on.
        port: to listen on.
        max_batch_size: examples that one call of the model takes at most.
        max_body_bytes: a request with a larger body is refused.
        max_instances: a request with more examples is refused.
        max_pixels: a picture with more is refused before it is decoded.
        max_text_characters: a longer text is refused.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    models: Path = Path("models")
    host: str = "127.0.0.1"
    port: Annotated[int, BeforeValidator(_not_a_service_link)] = Field(8000, ge=0, le=65535)
    max_batch_size: int = Field(32, ge=1)
    max_body_bytes: int = Field(64 * 2**20, ge=1)
    max_instances: int = Field(256, ge=1)
    max_pixels: int = Field(DEFAULT_MAX_PIXELS, ge=1)
    max_text_characters: int = Field(20_000, ge=1)


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
