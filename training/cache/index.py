"""What a family of pictures holds: by digest the slot of the pixels, or why there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray

from training.cache.database import opened
from training.cache.errors import DamagedError
from training.cache.picture import DIGEST_BYTES

DIGEST = np.dtype(f"S{DIGEST_BYTES}")
_SCHEMA = """CREATE TABLE IF NOT EXISTS pictures (
    digest BLOB PRIMARY KEY, slot INTEGER, hash INTEGER, checksum INTEGER, reason TEXT, lasting INTEGER, decoder TEXT
) WITHOUT ROWID"""


@dataclass(frozen=True)
class Known:
    """The pictures of a family, sorted by digest.

    Args:
        digests: S16 (pictures,).
        slots: int64 (pictures,), -1 where unusable.
        hashes: uint64 (pictures,), 0 where unusable.
        checksums: uint32 (pictures,), 0 where unusable.
        reasons: by digest why a picture is unusable.
    """

    digests: NDArray[np.bytes_]
    slots: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    checksums: NDArray[np.uint32]
    reasons: dict[bytes, str]

    def find(self, digests: NDArray[np.bytes_]) -> NDArray[np.intp]:
        """Where each of some digests is; -1 if it is not known."""
        if not len(self.digests):
            return np.full(len(digests), -1)
        found = np.minimum(np.searchsorted(self.digests, digests), len(self.digests) - 1)
        return np.where(self.digests[found] == digests, found, -1)

    def subset(self, chosen: NDArray[np.bool_]) -> Known:
        """Those for which `chosen`, bool (pictures,), is true."""
        return Known(
            self.digests[chosen], self.slots[chosen], self.hashes[chosen], self.checksums[chosen], self.reasons
        )


def membership(digests: NDArray[np.bytes_]) -> Callable[[bytes], bool]:
    """Whether a digest is among some, S16 (pictures,), sorted. A set of them would take ten times the memory."""

    def is_known(digest: bytes) -> bool:
        at = int(np.searchsorted(digests, np.frombuffer(digest, DIGEST)[0]))
        return digests[at : at + 1].tobytes() == digest

    return is_known


NOTHING = Known(np.empty(0, DIGEST), np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, np.uint32), {})


@dataclass(frozen=True)
class Entry:
    """A picture to be known from now on.

    Args:
        digest: of the file.
        slot, hash, checksum: of the pixels; None where unusable.
        reason: why it is unusable.
        lasting: whether that is so for good; if not, it is to be tried again, but never in a process that matters.
    """

    digest: bytes
    slot: int | None = None
    hash: int | None = None
    checksum: int | None = None
    reason: str | None = None
    lasting: bool = True


class Index:
    """The index of a family, one file.

    Args:
        path: the file; made when it is first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Known:
        """Everything that is known.

        Raises:
            DamagedError: if the file is damaged.
        """
        if not self.path.exists():
            return NOTHING
        # What one version of Pillow could not decode the next one may.
        where = f"WHERE slot IS NOT NULL OR (lasting AND decoder = '{PIL.__version__}')"
        with opened(self.path, _SCHEMA) as database:
            database.execute("BEGIN")  # both queries see one state
            (count,) = database.execute(f"SELECT count(*) FROM pictures {where}").fetchone()  # noqa: S608
            known = Known(
                np.empty(count, DIGEST),
                np.full(count, -1, np.int64),
                np.zeros(count, np.uint64),
                np.zeros(count, np.uint32),
                {},
            )
            rows = database.execute(
                f"SELECT digest, slot, hash, checksum, reason FROM pictures {where} ORDER BY digest"  # noqa: S608
            )
            try:
                for at, (digest, slot, bits, checksum, reason) in enumerate(rows):
                    known.digests[at] = digest
                    if slot is None:
                        known.reasons[digest] = str(reason)
                    else:
                        known.slots[at], known.hashes[at], known.checksums[at] = slot, bits % 2**64, checksum
            except (TypeError, ValueError, OverflowError, IndexError) as error:
                raise DamagedError(f"{self.path}: {error}") from error
        return known

    def next_slot(self) -> int:
        """The first one after all that were ever given; those of pictures that are lost are not given again.

        Raises:
            DamagedError: if the file is damaged.
        """
        with opened(self.path, _SCHEMA) as database:
            (last,) = database.execute("SELECT max(slot) FROM pictures").fetchone()
        return 0 if last is None else int(last) + 1

    def suspects(self) -> set[bytes]:
        """The digests of pictures that ended their decoder, or would have kept it for ever.

        Raises:
            DamagedError: if the file is damaged.
        """
        if not self.path.exists():
            return set()
        with opened(self.path, _SCHEMA) as database:
            return {digest for (digest,) in database.execute("SELECT digest FROM pictures WHERE NOT lasting")}

    def add(self, entries: Iterable[Entry]) -> None:
        """Makes pictures known, all of them or none.

        Raises:
            DamagedError: if the file is damaged.
            sqlite3.OperationalError: if it can't be written.
        """
        rows = [
            (
                entry.digest,
                entry.slot,
                None if entry.hash is None else int(np.uint64(entry.hash).astype(np.int64)),  # SQLite's are signed
                entry.checksum,
                entry.reason,
                entry.lasting,
                PIL.__version__,
            )
            for entry in entries
        ]
        with opened(self.path, _SCHEMA) as database:
            database.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            database.commit()
