"""What each column seems to be for, and by what that was told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.drafting.profile import DELIMITERS, Profile

LABEL_NAMES = r"labels?|class(es)?|categor(y|ies)|targets?|y|topics?|genres?|kind|type"
SPLIT_NAMES = r"split|fold|subset|partition|set"
GROUP_NAMES = (
    r"groups?|(.+_)?group_?(key|id)"
    r"|(.+_)?(product|user|seller|author|owner|patient|session|parent|album|listing)(_?(id|key))?"
)
TEXT_NAMES = r"texts?|captions?|titles?|descriptions?|names?|body|comments?|reviews?|messages?|annotations?|sentences?"
TAGS_NAMES = r"tags?|keywords?|hashtags?|attributes"
ID_NAMES = r"(.+_)?(id|key|uuid|guid|sku|ean|isbn)"

EXISTING_SHOWN = 200
NEARLY_ALL = 0.95
MOST_UNITS = 20


@dataclass(frozen=True)
class Role:
    """What a column is taken for.

    Args:
        column: its name.
        kind: `image`, `text`, `tags`, `label`, `group`, `split`; None if it is not used.
        why: the evidence, or why it is not used.
        delimiter: between the items of tags, or of a label of several.
    """

    column: str
    kind: str | None
    why: str
    delimiter: str | None = None


def roles(profiles: Sequence[Profile], folder: Path, label: str | None = None) -> list[Role]:
    """What each column is taken for, in the order of the table.

    Args:
        profiles: of the columns.
        folder: that picture paths are relative to.
        label: the column to predict, if it is known.
    """
    found: dict[str, Role] = {}
    left = list(profiles)

    def settle(some: Iterator[Role]) -> None:
        for role in some:
            found[role.column] = role
        left[:] = [profile for profile in left if profile.name not in found]

    settle(role for profile in left if profile.name != label and (role := _plain(profile, folder)))
    settle(_split(left))
    settle(_label(left, label))
    settle(_group(left))
    settle(role for profile in left if (role := _words(profile)))
    settle(_contained(found, profiles))
    settle(Role(profile.name, None, _unused(profile)) for profile in list(left))
    return [found[profile.name] for profile in profiles]


def _plain(profile: Profile, folder: Path) -> Role | None:
    """A picture, or what is nothing at a glance."""
    given = profile.given
    if not given:
        return Role(profile.name, None, "nested objects" if profile.nested else "always empty")
    if profile.pictures >= NEARLY_ALL * given:
        names = [name for name in profile.first if name][:EXISTING_SHOWN]
        there = sum((folder / name).is_file() for name in names)
        suffixes = " or ".join(suffix for suffix, _ in profile.suffixes.most_common(3))
        exist = f"the first {len(names)} exist" if there == len(names) else f"{there} of the first {len(names)} exist"
        hint = "" if there else f" in {folder}: give the folder that they are relative to with --image-root"
        return Role(profile.name, "image", f"{_of(profile.pictures, given)} end in {suffixes}, and {exist}{hint}")
    if profile.addresses >= NEARLY_ALL * given:
        return Role(profile.name, None, "web addresses; if they are of pictures, download these and give their paths")
    if profile.distinct == 1:
        return Role(profile.name, None, f"always {next(iter(profile.counts))!r}")
    if profile.nested > given:
        return Role(profile.name, None, "nested objects")
    return None


def _split(profiles: Sequence[Profile]) -> Iterator[Role]:
    fitting = [
        one for one in profiles if one.splits == one.given and any(v.lower().startswith("train") for v in one.counts)
    ]
    for number, profile in enumerate(sorted(fitting, key=lambda one: not _called(SPLIT_NAMES, one.name))):
        told = ", ".join(f"{value} {count:,}" for value, count in profile.counts.most_common())
        yield Role(profile.name, None, f"another split: {told}") if number else Role(profile.name, "split", told)


def _label(profiles: Sequence[Profile], asked: str | None) -> Iterator[Role]:
    """The column to predict: one that was asked for, or that is called so, or the one with the fewest values."""
    single = [one for one in profiles if _repeated(one)]
    several = [(one, delimiter) for one in profiles if (delimiter := _delimiter(one)) is not None]
    called = [one for one in single if _called(LABEL_NAMES, one.name)]
    called_several = [(one, delimiter) for one, delimiter in several if _called(LABEL_NAMES, one.name)]
    chosen: Profile | None = next((one for one in profiles if one.name == asked), None)
    delimiter = None
    if chosen is not None:
        delimiter = next((delimiter for one, delimiter in several if one is chosen and not _repeated(one)), None)
    elif called and not any(one is called[0] for one, _ in several):
        chosen = called[0]
    elif called_several:
        chosen, delimiter = called_several[0]
    elif called or single:
        chosen = min(called or single, key=lambda one: one.distinct)
    elif len(several) == 1 and len(profiles) > 1:
        chosen, delimiter = several[0]
    if chosen is None:
        return
    if delimiter is None:
        yield Role(chosen.name, "label", _values(chosen))
    else:
        yield Role(chosen.name, "label", f"several labels a row: {_listed(chosen, delimiter)}", delimiter or ",")
    for one in single:
        if one is not chosen and not _called(GROUP_NAMES, one.name) and _delimiter(one) is None:
            yield Role(
                one.name, None, f"{_values(one)}; if it is to be predicted too, put it under 'labels' and 'heads'"
            )


def _group(profiles: Sequence[Profile]) -> Iterator[Role]:
    """What several rows share that belong together."""
    fitting = [
        one
        for one in profiles
        if 1.02 <= one.repeats <= 100
        and one.distinct >= 10
        and one.words <= 1.5 * one.given
        and max(one.counts.values()) <= max(50, 0.2 * one.given)
        and (_called(GROUP_NAMES, one.name) or (_looks_like_an_id(one) and _delimiter(one) is None))
        # A price, an age or a day is shared by rows that have nothing else in common.
        and (_figures(one) is None or _called(GROUP_NAMES, one.name) or _called_an_id(one.name))
    ]
    fitting.sort(
        key=lambda one: (not one.name.lower().startswith("group"), not _called(GROUP_NAMES, one.name), one.repeats)
    )
    for number, profile in enumerate(fitting):
        shared = sum(count for count in profile.counts.values() if count > 1)
        most = max(profile.counts.values())
        why = f"{_number(profile)} values; {shared:,} rows share theirs with others, {most:,} at most one"
        if number:
            yield Role(profile.name, None, f"another group: {why}")
        else:
            yield Role(profile.name, "group", why)


def _words(profile: Profile) -> Role | None:
    """A text or tags."""
    mean = profile.words / profile.given
    delimiter = _delimiter(profile)
    if profile.numbers >= NEARLY_ALL * profile.given or (_figures(profile) and delimiter is None):
        return None
    text_by_name = _called(TEXT_NAMES, profile.name)
    if delimiter is not None and (delimiter == "" or not text_by_name):
        return Role(profile.name, "tags", _listed(profile, delimiter), delimiter or ",")
    if profile.wordless >= NEARLY_ALL * profile.given and not text_by_name:
        return None
    if profile.repeats <= 3 and (mean >= 1.5 or text_by_name):
        empty = f", {profile.rows - profile.given:,} empty" if profile.given < profile.rows else ""
        return Role(profile.name, "text", f"{_number(profile)} different texts, {mean:.1f} words on average{empty}")
    return None


def _contained(found: dict[str, Role], profiles: Sequence[Profile]) -> Iterator[Role]:
    """Texts that stand within another one say nothing besides."""
    texts = [profile for profile in profiles if found.get(profile.name, Role("", None, "")).kind == "text"]
    for inner in texts:
        for outer in texts:
            pairs = [(a.casefold(), b.casefold()) for a, b in zip(inner.first, outer.first, strict=True) if a]
            within = sum(a in b for a, b in pairs)
            if inner is not outer and inner.words < outer.words and pairs and within >= NEARLY_ALL * len(pairs):
                why = f"{_of(within, len(pairs))} stand in the same row's {outer.name!r} too"
                yield Role(inner.name, None, why + "; to use it instead, swap the two")
                break


def _repeated(profile: Profile) -> bool:
    """Whether it has few values that come again and again, as labels do."""
    return (
        not profile.more
        and not profile.lists
        and 2 <= profile.distinct <= 1000
        and profile.repeats >= 4
        and profile.words <= 5 * profile.given
        and not any(value.startswith("long text ") for value in profile.counts)
        and (_called(LABEL_NAMES, profile.name) or _figures(profile) is None or _is_scale(profile))
    )


def _is_scale(profile: Profile) -> bool:
    """Whether it has so few numbers that they may be grades, or stand for classes."""
    return profile.distinct <= 20 and profile.dates < NEARLY_ALL * profile.given


def _figures(profile: Profile) -> str | None:
    """What its cells are, if nearly all of them are numbers or dates; units are few, and come again."""
    if profile.numbers >= NEARLY_ALL * profile.given:
        return "numbers"
    if profile.dates >= NEARLY_ALL * profile.given:
        return "dates or times"
    if profile.measures < NEARLY_ALL * profile.given:
        return None
    units = sorted(unit for unit in profile.units if unit)
    if len(units) > MOST_UNITS or 4 * len(units) > profile.measures:
        return None
    return f"numbers with a unit ({', '.join(units)})" if units else "numbers"


def _delimiter(profile: Profile) -> str | None:
    """What parts short items that come again: "" if they are lists; None if there is nothing."""
    if profile.lists >= NEARLY_ALL * profile.given and profile.items[""].total:
        return ""
    if profile.numbers >= NEARLY_ALL * profile.given or profile.lists:
        return None
    if _figures(profile) and not _called(f"{TAGS_NAMES}|{LABEL_NAMES}", profile.name):
        return None  # "May 1, 2024" is one date, "19,99" one number
    for delimiter in sorted(DELIMITERS, key=lambda one: -profile.items[one].rows):
        items = profile.items[delimiter]
        often = items.rows >= 0.2 * profile.given
        short = items.short >= NEARLY_ALL * items.total
        again = len(items.counts) <= items.total / (1.5 if _called(TAGS_NAMES, profile.name) else 3)
        if often and short and again:
            return delimiter
    return None


def _unused(profile: Profile) -> str:
    if figures := _figures(profile):
        return f"{figures}, {_number(profile)} different ones; inputs are pictures, texts and tags"
    if profile.wordless >= NEARLY_ALL * profile.given and profile.words >= 1.5 * profile.given:
        return f"digits and signs without a word, {_number(profile)} different ones"
    if profile.distinct >= NEARLY_ALL * profile.given:
        return "nearly every value is another, of a word or none: it names the row"
    return f"{_values(profile)}; it looks like no picture, text, tags, label, group or split"


def _values(profile: Profile) -> str:
    counts = profile.counts.values()
    empty = f", {profile.rows - profile.given:,} rows without" if profile.given < profile.rows else ""
    return f"{_number(profile)} values, each {min(counts):,} to {max(counts):,} times{empty}"


def _listed(profile: Profile, delimiter: str) -> str:
    items = profile.items[delimiter]
    what = f"parted by {delimiter!r}" if delimiter else "in lists"
    empty = f", {profile.rows - profile.given:,} rows have none" if profile.given < profile.rows else ""
    return f"short items {what}: {len(items.counts):,} different, {items.total / profile.given:.1f} a row{empty}"


def _looks_like_an_id(profile: Profile) -> bool:
    values = list(profile.counts)[:EXISTING_SHOWN]
    return sum(bool(re.fullmatch(r"[\w.:/-]*\d[\w.:/-]*", value)) for value in values) >= NEARLY_ALL * len(values)


def _called(names: str, column: str) -> bool:
    return re.fullmatch(names, re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")) is not None


def _called_an_id(column: str) -> bool:
    return _called(ID_NAMES, column) or re.search(r"[a-z](Id|ID|Key)$", column) is not None


def _number(profile: Profile) -> str:
    return f"more than {len(profile.counts):,}" if profile.more else f"{profile.distinct:,}"


def _of(some: int, rows: int) -> str:
    return f"{some:,} of {rows:,} values"
