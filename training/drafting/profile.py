"""What can be told of a column by looking through it once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from model.written_list import written_list
from training.manifests.cells import as_text
from training.manifests.folder import PICTURES
from training.manifests.source import Source
from training.manifests.table import hash_of
from training.splits import SPELLINGS

DELIMITERS = (",", ";", "|")
MOST_DISTINCT = 50_000  # values that are counted one by one; of further ones it is known that there are more
KEPT_ROWS = 2000
SHORT_WORDS, SHORT_CHARACTERS = 3, 30  # of an item that may be a tag
CUT = 1000  # characters
LONGEST_LABEL = 80
LONGEST_FIGURE = 40

_TIME = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[ap]\.?m\.?)?( ?(z|utc|gmt|[+-]\d{2}:?\d{2}))?"
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = (
    r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{4}|\d{2})"
    rf"|([a-z]{{3,9}},? )?(\d{{1,2}}\.?[ -]{_MONTH}|{_MONTH} \d{{1,2}}),?[ -]\d{{4}})"
)
DATE = re.compile(rf"{_DAY}([t ,]+{_TIME})?|{_TIME}", re.IGNORECASE | re.ASCII)
# A number, with what stands before it or behind it: "12 EUR", "$1,299.00", "60kg", "50 %".
MEASURE = re.compile(
    r"(?P<before>[^\W\d_]+\.? |[^\w\s.,:;/+-]+ ?)?[+-]?\d+([., '\u00a0]\d{3})*([.,]\d+)?(?P<after>\s?[^\s\d.,:;/+-]+)?"
)
WORD = re.compile(r"[^\W\d_]{2}")
UNIT = re.compile(r"(?<=\d)\s?[^\W\d_]{1,3}\b")  # "10 x 20 cm"
LONGER_THAN_UNITS = re.compile(r"[^\W\d_]{4}")


@dataclass
class Items:
    """The parts of the cells at a delimiter.

    Args:
        rows: cells that have the delimiter, or are lists.
        total: parts in all cells.
        short: those of a few words.
        counts: how often each comes.
    """

    rows: int = 0
    total: int = 0
    short: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, parts: list[str]) -> None:
        """The parts of a cell."""
        self.rows += len(parts) > 1
        self.total += len(parts)
        for part in parts:
            self.short += len(part) <= SHORT_CHARACTERS and len(part.split()) <= SHORT_WORDS
            _count(self.counts, part)


@dataclass
class Profile:
    """A column.

    Args:
        name: of the column.
        rows: of the table.
        given: cells that are not empty.
        nested: cells that hold objects or bytes.
        lists: cells that are lists.
        counts: how often each value comes, of the first `MOST_DISTINCT` values.
        more: cells with a value beyond those.
        words: in all cells.
        numbers, pictures, addresses, splits: cells that are numbers, names of picture files, web addresses, splits.
        dates: cells that are dates, times of day or both.
        measures: cells that are a number, with a unit or without.
        units: how often each unit comes in these.
        wordless: cells with digits, and two letters in a row nowhere but in a date or a unit.
        suffixes: of the names of picture files.
        items: the parts at each delimiter; under "" those of lists.
        first: of the first rows the cells, cut.
    """

    name: str
    rows: int = 0
    given: int = 0
    nested: int = 0
    lists: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    more: int = 0
    words: int = 0
    numbers: int = 0
    pictures: int = 0
    addresses: int = 0
    splits: int = 0
    dates: int = 0
    measures: int = 0
    units: Counter[str] = field(default_factory=Counter)
    wordless: int = 0
    suffixes: Counter[str] = field(default_factory=Counter)
    items: dict[str, Items] = field(default_factory=lambda: {delimiter: Items() for delimiter in ("", *DELIMITERS)})
    first: list[str] = field(default_factory=list)

    @property
    def distinct(self) -> int:
        """Different values; at least so many, if there are `more`."""
        return len(self.counts) + bool(self.more)

    @property
    def repeats(self) -> float:
        """Cells a value, on average."""
        return self.given / max(1, self.distinct)

    def add(self, cell: Any) -> None:
        """A cell."""
        self.rows += 1
        if isinstance(cell, str) and (listed := written_list(cell)) is not None:
            cell = listed
        try:
            text = as_text(cell) if not isinstance(cell, list | tuple) else "\n".join(self._listed(cell))
        except ValueError:
            self.nested += 1
            text = ""
        if len(self.first) < KEPT_ROWS:
            self.first.append(text[:CUT])
        if text:
            self.given += 1
            self._look(text)

    def _listed(self, cell: list[Any] | tuple[Any, ...]) -> list[str]:
        parts = [part for part in map(as_text, cell) if part]
        self.lists += 1
        self.items[""].add(parts)
        return parts

    def _look(self, text: str) -> None:
        # Of a long text, which is no label, a number will do.
        if not _count(self.counts, text if len(text) <= LONGEST_LABEL else f"long text {hash_of(text)}"):
            self.more += 1
        self.words += len(text.split())
        self.numbers += _is_number(text)
        suffix = PurePath(text[-10:]).suffix.lower()
        if text.startswith(("http://", "https://")):
            self.addresses += 1
        elif suffix in PICTURES:
            self.pictures += 1
            self.suffixes[suffix] += 1
        self.splits += text.lower() in SPELLINGS
        self._look_for_figures(text)
        for delimiter in DELIMITERS:
            self.items[delimiter].add([part for part in map(str.strip, text[:CUT].split(delimiter)) if part])

    def _look_for_figures(self, text: str) -> None:
        is_short = len(text) <= LONGEST_FIGURE
        is_date = is_short and DATE.fullmatch(text) is not None
        self.dates += is_date
        if is_short and not is_date and (measure := MEASURE.fullmatch(text)):
            self.measures += 1
            _count(self.units, f"{measure['before'] or ''}{measure['after'] or ''}".strip())
        has_word = LONGER_THAN_UNITS.search(text) or WORD.search(UNIT.sub(" ", text[:CUT]))
        self.wordless += is_date or (not has_word and any(map(str.isdigit, text)))


def profiles(source: Source, progress: Callable[[int, int], None]) -> list[Profile]:
    """Reads a table through and tells of each column what is in it.

    Raises:
        ManifestError: if it can't be read.
    """
    found: dict[str, Profile] = {column: Profile(column) for column in source.columns}
    for number, row in enumerate(source.rows()):
        if not source.columns_are_final:
            for column in row.cells:
                if column not in found:
                    found[column] = Profile(column, rows=number, first=[""] * min(number, KEPT_ROWS))
        for column, profile in found.items():
            profile.add(row.cells.get(column))
        if number % KEPT_ROWS == 0:
            progress(int(1000 * source.share_read), 1000)
    return list(found.values())


def _count(counts: Counter[str], value: str) -> bool:
    if value in counts or len(counts) < MOST_DISTINCT:
        counts[value] += 1
        return True
    return False


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
