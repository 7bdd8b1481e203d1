"""A version in memory, and how many requests hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from model.bundle import Metadata
from model.spec import ModelSpec


class Engine(Protocol):
    """A loaded bundle that answers; `service.engine.engine.Engine` is the real one."""

    @property
    def metadata(self) -> Metadata:
        """What the bundle says of itself."""

    @property
    def spec(self) -> ModelSpec:
        """What the classifier is."""

    def close(self) -> None:
        """Answers what was accepted and lets the model go; takes as long as that takes."""


AnyEngine = TypeVar("AnyEngine", bound=Engine)


@dataclass(eq=False)
class Served(Generic[AnyEngine]):
    """A version that answers. The count of leases is the store's, and guarded by its lock.

    Args:
        name: of the model.
        version: its number.
        engine: what answers.
        files: fingerprint of them from before they were loaded.
        model_card: what its bundle says of it to people, Markdown; None if it holds no card.
        examples: those that its bundle brings to be shown.
        leases: requests that hold it.
    """

    name: str
    version: int
    engine: AnyEngine
    files: str = ""
    model_card: str | None = None
    examples: Sequence[Mapping[str, Any]] = ()
    leases: int = 0

    @property
    def metadata(self) -> Metadata:
        """Of its bundle."""
        return self.engine.metadata

    @property
    def spec(self) -> ModelSpec:
        """Its inputs, branches, merge and heads."""
        return self.engine.spec
