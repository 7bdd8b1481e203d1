"""What the check found, in words, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from training.manifest import listing, pictures_astray
from training.splits import SPLITS

if TYPE_CHECKING:
    from training.check.findings import Findings

MOST_LABELS = 30
MOST_TEXTS = 5


def lines(found: Findings) -> Iterator[str]:
    """First the counts, then each finding."""
    yield from _counts(found)
    yield from _bad(found)
    yield from (f"refused: {line}" for line in found.refusals)
    yield from (f"warning: {line}" for line in found.warnings)
    yield from _placeholders(found)
    yield from _duplicates(found)
    yield from _contradictions(found)
    yield from _texts(found)
    if found.straddling:
        yield (
            f"warning: {_many(found.straddling, 'group')} of column {found.manifest.recipe.data.group!r} are in more "
            "than one split. Change the split column, or leave it out to have a split made that keeps groups whole."
        )


def _counts(found: Findings) -> Iterator[str]:
    told, manifest = found.summary(), found.manifest
    shares = ", ".join(f"{count:,} {name}" for name, count in told["splits"].items())
    yield f"{manifest.recipe.data.manifest.name}: {told['rows']:,} rows, {told['usable']:,} can be used ({shares})"
    if manifest.passed_over:
        yield manifest.passed_over
    for head, labels in found.labels.items():
        column = manifest.recipe.data.labels[head]
        totals = sorted((sum(counts), label) for label, counts in labels.items())
        if len(labels) > MOST_LABELS:
            least, most = totals[0], totals[-1]
            yield (
                f"{column}: {len(labels)} labels, from {least[1]} ({_many(least[0], 'row')}) to {most[1]} "
                f"({_many(most[0], 'row')}); all are in check.json"
            )
            continue
        yield f"{column}: {_many(len(labels), 'label')}; rows to {', '.join(SPLITS)}"
        width = max(len(label) for label in labels)
        for _, label in reversed(totals):
            yield f"  {label:<{width}} " + " ".join(f"{count:>7,}" for count in labels[label])
    for name, counts in found.absent.items():
        if sum(counts):
            share = sum(counts) / max(1, told["usable"])
            yield f"{name} is absent in {_many(sum(counts), 'row')} ({share:.1%}; {', '.join(map(str, counts))})"
    for name, count in found.wordless.items():
        if count:
            yield f"{name}: {_many(count, 'text')} without a word, as '...': they count as absent"


def _bad(found: Findings) -> Iterator[str]:
    manifest = found.manifest
    if not manifest.faults:
        return
    allowed = manifest.recipe.data.max_bad
    too_many = found.share_bad > allowed
    astray = pictures_astray(manifest) if too_many else ""
    what = "to be mended or deleted" if too_many else "left out"
    yield (
        f"{'refused' if too_many else 'warning'}: {_many(len(manifest.faults), 'row')} can't be used "
        f"({found.share_bad:.1%}; --max-bad allows {allowed:.1%}). {astray or f'They are {what}'}; "
        "bad_rows.csv lists them:"
    )
    yield listing(manifest.bad, most=1 if astray else 5)


def _placeholders(found: Findings) -> Iterator[str]:
    for one in found.placeholders:
        name = found.manifest.texts(one.input)[int(one.positions[0])]
        yield (
            f"warning: {name!r} ({one.input}) stands in {len(one.positions):,} rows of {one.labels:,} labels: a "
            "placeholder? Leave the cell empty; an input may be absent. It is passed over where twins are looked for."
        )


def _duplicates(found: Findings) -> Iterator[str]:
    told = found.summary()["duplicates"]
    if not told["rows"]:
        return
    kinds = [
        f"{told[key]:,} {words}"
        for key, words in (
            ("whole_row", "the same in everything"),
            ("same_file", "with the same picture file"),
            ("look_alike", "with a picture that looks the same"),
        )
        if told[key]
    ]
    apart = f" {_many(told['with_another_label'], 'pair')} differ in label." if told["with_another_label"] else ""
    yield (
        f"warning: {_many(told['rows'], 'row')} of val and test have a twin in an earlier split "
        f"({', '.join(kinds)}): the figures will flatter.{apart} duplicates.csv lists the pairs. Drop one of each, or "
        "give twins the same value in a column and name it with --group."
    )


def _contradictions(found: Findings) -> Iterator[str]:
    told = found.summary()["contradictions"]
    if told["contents"]:
        yield (
            f"warning: {_many(told['contents'], 'content')} with different labels ({_many(told['rows'], 'row')}): no "
            "model can be right on all of them. contradictions.csv lists them; mend the labels."
        )


def _texts(found: Findings) -> Iterator[str]:
    telling = [one for one in found.in_texts if one.gives_away]
    for one in sorted(telling, key=lambda one: -one.told)[:MOST_TEXTS]:
        yield (
            f"warning: {one.told:,} of {one.rows:,} texts of {one.label!r} ({one.input}) contain the label itself, and "
            f"{one.elsewhere:,} of other labels: the words give it away. If they will not when the model is used, take "
            "them out."
        )
    if len(telling) > MOST_TEXTS:
        yield f"  and {len(telling) - MOST_TEXTS} more labels"
    rows = sum(len(rows) for rows in found.in_text_rows.values())
    if rows:
        yield f"{_many(rows, 'text')} contain their own label; label_in_text.csv lists them"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
