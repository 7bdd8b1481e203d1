"""One piece of advice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """Something that stands out, and what to do about it.

    Args:
        about: what it is, in a few words.
        evidence: the figures that say so.
        try_: what to try.
        keys: of the recipe that change it.
    """

    about: str
    evidence: str
    try_: str
    keys: tuple[str, ...]
