"""The pictures of an input, each decoded once for all runs that share a cache folder.

<cache>/files.sqlite                        which content a file had (`files`)
<cache>/<size>-<fit>-<id>/index.sqlite      a family: its pictures by content (`index`)
                         /pixels-00000.u8   and their pixels (`shards`)
                         /lock              held by who adds to it (`family`)
                         /unfinished        there until all is added (`fill`)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.cache.column import Decoded, as_bytes
from training.cache.decoding import FEW, cores, pictures, processes_for
from training.cache.errors import DamagedError, telling
from training.cache.family import Family
from training.cache.files import Files
from training.cache.fill import Filling, fits, require_room, what_they_take
from training.cache.index import DIGEST, NOTHING, Known
from training.cache.picture import Decoding, named
from training.cache.survey import Rows, identify, survey

if TYPE_CHECKING:
    from model.spec import ImageInput

Progress = Callable[[int, int], None]


def decoded(
    paths: Sequence[Path | None],
    image: ImageInput,
    *,
    directory: Path,
    max_pixels: int,
    progress: Progress,
    processes: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Decoded:
    """The pictures of one input, from the cache or decoded now on all cores.

    A picture is known by its content: a file that was moved or renamed is read once more, not decoded. One that is
    unchanged in path, size and time is not even read. What was decoded before a run was broken off stays decoded.

    Args:
        paths: one a row; None is an absent picture.
        image: size and fit.
        directory: of the cache; other runs may use it at the same time.
        max_pixels: pictures with more are unusable.
        progress: called with pictures decoded and pictures to be decoded, if there are any.
        processes: that decode; 0 is threads of this process. None is one a core if there is enough to do, or if a run
            before was ended while it decoded.
        say: told what many pictures will take, if another run is waited for, and if no process can be started.

    Raises:
        StorageError: if the cache can't be written, or has too little room, saying how much it needs.
    """
    family = Family(directory, Decoding(image.height, image.width, image.fit, max_pixels))
    files = Files(directory / "files.sqlite")
    with telling(directory):
        family.directory.mkdir(parents=True, exist_ok=True)
        rows = survey(paths, files)
        try:
            known = family.load()
        except DamagedError:  # mended by who adds to it, alone
            known = NOTHING
    failed: dict[int, str] = {}
    if len(rows.missing(known).rows):
        with family.alone(say) as has_waited:
            if has_waited:  # for another run, which has noted what it read
                with telling(directory):
                    rows = survey(paths, files)
            failed = _fill(paths, rows, family, files, progress=progress, say=say, processes=processes)
            with telling(directory):
                known = family.load()
    return _result(paths, rows, family, known, failed)


def _fill(
    paths: Sequence[Path | None],
    rows: Rows,
    family: Family,
    files: Files,
    *,
    progress: Progress,
    say: Callable[[str], None],
    processes: int | None,
) -> dict[int, str]:
    """Decodes what is missing.

    Returns:
        By row why a picture could not be decoded now, where that is no fault of its content.
    """
    with telling(family.directory.parent):
        try:
            known = family.load()  # anew, as another run may have added to it
            suspects = family.index.suspects()
        except DamagedError:
            family.clear()
            known, suspects = NOTHING, set()
        missing = rows.missing(known)
        if not fits(family, len(missing.rows)):  # unless some are there already, under other names
            identify(paths, rows, missing.rows, files, cores())
            missing = rows.missing(known)
            require_room(family, len(missing.rows))
        if len(missing.rows) >= FEW:
            say(f"{what_they_take(family, len(missing.rows))} in {family.directory}")
        if processes is None:
            processes = processes_for(len(missing.rows), after_a_break=family.unfinished.exists())
        filling = Filling(family, files, total=len(missing.rows))
    digests = np.zeros(len(missing.rows), DIGEST)
    failed: dict[int, str] = {}
    found = pictures(paths, missing.rows, family.decoding, known=known, suspects=suspects, processes=processes, say=say)
    with filling:
        for done, (number, picture) in enumerate(found, start=1):
            row = int(missing.rows[number])
            filling.add(rows.keys[row : row + 1].tobytes(), picture)
            digests[number] = picture.digest or b""
            if picture.reason and not picture.lasting:
                failed[number] = named(str(paths[row]), picture.reason) if picture.digest else picture.reason
            progress(done, len(missing.rows))
    lacking = np.flatnonzero(missing.indices >= 0)
    of = missing.indices[lacking]
    rows.digests[lacking] = digests[of]
    return {row: failed[number] for row, number in zip(lacking.tolist(), of.tolist(), strict=True) if number in failed}


def _result(paths: Sequence[Path | None], rows: Rows, family: Family, known: Known, failed: dict[int, str]) -> Decoded:
    at, digests = known.find(rows.digests), as_bytes(rows.digests)
    slots = _spread(known.slots, at, -1)
    bad = rows.unreadable | failed
    for row in np.flatnonzero((rows.keys != b"") & (slots < 0)).tolist():
        # The last is for a family that was deleted while this run added to it.
        reason = known.reasons.get(digests[row].tobytes(), "its pixels are gone from the cache; start again")
        bad.setdefault(row, named(str(paths[row]), reason))
    return Decoded(
        paths,
        family.decoding,
        family.shards,
        slots=slots,
        checksums=_spread(known.checksums, at, 0),
        digests=digests,
        hashes=_spread(known.hashes, at, 0),
        bad=dict(sorted(bad.items())),
    )


def _spread(values: NDArray[Any], at: NDArray[np.intp], otherwise: int) -> NDArray[Any]:
    """The value of each row's picture."""
    spread = np.full(len(at), otherwise, values.dtype)
    spread[at >= 0] = values[at[at >= 0]]
    return spread
