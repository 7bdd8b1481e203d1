"""The versions of one model: which answers, which are kept beside it, which are refused and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from service.schemas import VersionState
from service.store.served import AnyEngine, Served

_GONE = "Its directory is gone; it answers from memory until another version does, or the service ends."
_CHANGED = (
    "Its files were written to after it was loaded, which changes nothing here. Publish changes as a new version."
)
_INCOMPLETE = "Its files are not complete; they are looked at again in a moment."
_PIN_IS_MISSING = "It is pinned, but not there. Put it back, or activate another."


@dataclass(frozen=True)
class Refusal:
    """Why a version is not served.

    Args:
        files: fingerprint of those that were refused; others are tried again.
        reason: to be shown to whoever asks, so without paths.
    """

    files: str
    reason: str


class Versions(Generic[AnyEngine]):
    """What is known of one model's versions. Does nothing itself; the store acts on it and guards it with its lock.

    Args:
        name: of the model.
        keep: versions that stay loaded, the one that answers among them.
        may_be_meant: whether requests that name no model could mean this one: it was there from the start, or answers.
    """

    def __init__(self, name: str, *, keep: int, may_be_meant: bool) -> None:
        self.name = name
        self.may_be_meant = may_be_meant
        self.on_disk: tuple[int, ...] = ()
        self.loaded: list[Served[AnyEngine]] = []  # the one that answers, then those that did before it
        self.loading: int | None = None
        self.wanted: int | None = None  # the version last asked for: of two that overlap the later one counts
        self._keep = keep
        self._refused: dict[int, Refusal] = {}
        self._incomplete: dict[int, str] = {}  # fingerprints of their files
        self._notes: dict[int, str] = {}  # on loaded versions

    @property
    def active(self) -> Served[AnyEngine] | None:
        """The version that answers."""
        return self.loaded[0] if self.loaded else None

    @property
    def newest(self) -> Served[AnyEngine] | None:
        """The newest loaded version, though never one that is older than the one that answers."""
        newer = (self.get(candidate) for candidate in self.candidates(None))
        return next((served for served in newer if served), self.active)

    def get(self, version: int) -> Served[AnyEngine] | None:
        """A version, if it is loaded."""
        return next((served for served in self.loaded if served.version == version), None)

    def candidates(self, pin: int | None) -> list[int]:
        """The versions that should answer rather than the one that does, best first.

        Without a pin all newer ones; with one that version alone. While none answers any will do, the pinned one first.
        """
        if self.active is None:
            return sorted(self.on_disk, key=lambda version: (version == pin, version), reverse=True)
        if pin is not None:
            return [pin] if pin != self.active.version and pin in self.on_disk else []
        return [version for version in reversed(self.on_disk) if version > self.active.version]

    def activate(self, served: Served[AnyEngine]) -> list[Served[AnyEngine]]:
        """Makes a version the one that answers.

        Returns:
            Those that are over the number to keep, to be put away.
        """
        self.loaded = [served, *(other for other in self.loaded if other is not served)]
        self.may_be_meant = True
        self._refused.pop(served.version, None)
        self._incomplete.pop(served.version, None)
        leaving = self.loaded[self._keep :]
        del self.loaded[self._keep :]
        return leaving

    def see(self, on_disk: Sequence[int]) -> list[Served[AnyEngine]]:
        """Takes note of the versions that are on disk now.

        Returns:
            Loaded ones that are gone, to be put away. The one that answers is never among them.
        """
        self.on_disk = tuple(on_disk)
        self._refused = {version: refusal for version, refusal in self._refused.items() if version in on_disk}
        self._incomplete = {version: files for version, files in self._incomplete.items() if version in on_disk}
        leaving = [served for served in self.loaded[1:] if served.version not in on_disk]
        self.loaded = [served for served in self.loaded if served not in leaving]
        return leaving

    def compare(self, served: Served[AnyEngine], files: str | None) -> str | None:
        """Takes note of what has become of the files of a loaded version; None is that they are gone.

        Returns:
            What there is to say of it, if that is new.
        """
        note = _GONE if files is None else _CHANGED if files != served.files else None
        before = self._notes.pop(served.version, None)
        if note is not None:
            self._notes[served.version] = note
        return note if note != before else None

    def is_refused(self, version: int, files: str) -> bool:
        """Whether a version was refused before with the same files."""
        refusal = self._refused.get(version)
        return refusal is not None and refusal.files == files

    def is_settled(self, version: int, files: str) -> bool:
        """Whether an incomplete version has the same files as when that was seen last; remembers them if not."""
        before, self._incomplete[version] = self._incomplete.get(version), files
        return before == files

    def refuse(self, version: int, refusal: Refusal) -> bool:
        """Takes note of a version that can't be served; gives whether that is new."""
        self._incomplete.pop(version, None)
        before, self._refused[version] = self._refused.get(version), refusal
        return before != refusal

    def states(self, pin: int | None) -> list[VersionState]:
        """All versions that are on disk, loaded or pinned, oldest first."""
        numbers = {*self.on_disk, *(served.version for served in self.loaded), *([] if pin is None else [pin])}
        return [self._state(version, pin) for version in sorted(numbers)]

    def _state(self, version: int, pin: int | None) -> VersionState:
        if served := self.get(version):
            state = "ready" if served is self.active else "loaded"
            return VersionState(version=version, state=state, reason=self._notes.get(version))
        if version == self.loading:
            return VersionState(version=version, state="loading")
        if version in self._refused:
            return VersionState(version=version, state="refused", reason=self._refused[version].reason)
        if version in self._incomplete:
            return VersionState(version=version, state="not_loaded", reason=_INCOMPLETE)
        is_missing = version == pin and version not in self.on_disk
        return VersionState(version=version, state="not_loaded", reason=_PIN_IS_MISSING if is_missing else None)
