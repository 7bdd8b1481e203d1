"""What is done so far of a result, kept beside it until it is whole, so that a run can go on where another stopped."""

from __future__ import annotations

import csv
import fcntl
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from model.errors import ManifestError
from service.scoring.formats import Format
from service.scoring.scored import Bad, Cell, Scored

# Rows of each part but the last; at most so many are lost when a run is killed.
PART_ROWS = 1000

_RUN, _LOCK, _BAD = "run.json", "lock", ".bad.csv"


class Parts:
    """The parts of one result.

    `<out>.parts/` holds `run.json`, what the rows were made from; for each part its rows, as `00000.csv` or the like,
    and those of them that are bad, as `00000.bad.csv`. A part is there or not: its bad rows are written first, each
    file beside its place and then renamed.

    Args:
        out: the result.
        made_from: what decides what the result says, in words and as digests; a part of another run is no part of this.
        writes: the format of the result.
    """

    def __init__(self, out: Path, made_from: Mapping[str, str], writes: Format) -> None:
        self.bad_file = out.with_suffix(_BAD)
        self._out = out
        self._made_from = made_from
        self._writes = writes
        self._directory = out.with_name(f"{out.name}.parts")
        self.count = 0  # of the parts that are there, known while they are held

    @contextmanager
    def held(self, *, restart: bool) -> Iterator[None]:
        """Keeps other processes away from them.

        Args:
            restart: do away with what an earlier run left, and replace its result.

        Raises:
            ManifestError: if another process is at them, they are of another run, or the result is there already.
        """
        is_new = not self._directory.exists()
        if is_new and self._out.exists() and not restart:
            raise ManifestError(f"{self._out} is there already. Replace it with --restart, or choose another --out.")
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however that ends
            except OSError:
                raise ManifestError(f"Another process is writing {self._out}.") from None
            if restart:
                self._discard()
            self._refuse_other_run()
            self.count = next(number for number in itertools.count() if not self._part(number).exists())
            yield

    def add(self, rows: Sequence[Scored], cells: Sequence[Sequence[Cell]]) -> None:
        """Keeps the next part, whole or not at all.

        Args:
            rows: what became of them.
            cells: the same as the result has it.
        """
        part = self._part(self.count)
        bad = [(row.number, row.outcome.column, row.outcome.reason) for row in rows if isinstance(row.outcome, Bad)]
        with _appearing(part.with_suffix(_BAD)) as file:
            _write_bad(file, bad)
        with _appearing(part) as file:
            self._writes.write_part(file, cells)
        self.count += 1

    def bad(self) -> int:
        """How many rows of them are bad."""
        count = 0
        for number in range(self.count):
            with self._part(number).with_suffix(_BAD).open(encoding="utf-8", newline="") as stream:
                count += sum(1 for _ in csv.reader(stream))
        return count

    def finish(self) -> None:
        """Puts the result in its place, whole, and beside it the bad rows, if there are any; then removes the parts."""
        parts = [self._part(number) for number in range(self.count)]
        if self.bad():
            with _appearing(self.bad_file) as file:
                _write_bad(file, [("row", "column", "reason")])
                with file.open("ab") as stream:
                    for part in parts:
                        stream.write(part.with_suffix(_BAD).read_bytes())
        else:
            self.bad_file.unlink(missing_ok=True)  # of a run before
        with _appearing(self._out) as file:
            self._writes.join(parts, file)
        self._discard()
        shutil.rmtree(self._directory)

    def _discard(self) -> None:
        """Removes the last part first, and each before its bad rows: what is left at any moment can be gone on with."""

        def order(file: Path) -> tuple[bool, str, bool]:
            return file.name.startswith("."), file.name.partition(".")[0], not file.name.endswith(_BAD)

        for file in sorted(self._directory.iterdir(), key=order, reverse=True):
            if file.name not in (_RUN, _LOCK):
                file.unlink()
        (self._directory / _RUN).unlink(missing_ok=True)

    def _part(self, number: int) -> Path:
        return self._directory / f"{number:05}{self._out.suffix.lower()}"

    def _refuse_other_run(self) -> None:
        file = self._directory / _RUN
        if not file.exists():
            with _appearing(file) as writing:
                writing.write_text(json.dumps(self._made_from, indent=2) + "\n", encoding="utf-8")
            return
        earlier = json.loads(file.read_text(encoding="utf-8"))
        changed = [what for what in {**earlier, **self._made_from} if earlier.get(what) != self._made_from.get(what)]
        if changed:
            raise ManifestError(
                f"{self._directory.name}/ holds rows of an earlier run that was stopped, and not all is as it was "
                f"then: {', '.join(changed)}. Start anew with --restart, or choose another --out."
            )


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """A file to write to that is at its place, and on the disk, once the context ends."""
    writing = target.with_name(f".{target.name}.writing")
    yield writing
    with writing.open("rb") as stream:
        os.fsync(stream.fileno())
    writing.replace(target)


def _write_bad(file: Path, rows: Sequence[tuple[int | str, str | None, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
