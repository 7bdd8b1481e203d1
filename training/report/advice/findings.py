"""Advice from what the data check found; `training.check.findings.Findings.summary` says what stands in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from training.report.advice.advice import Advice
from training.run_contents import Contents

SHOWN = 3
# Of all rows: fewer that can't be used are no more than untidy.
BAD_SHARE = 0.002


def rules(run: Contents) -> Iterator[Advice]:
    """What `check.json` says."""
    found = run.findings
    if found:
        yield from _twins(found)
        yield from _contradictions(run, found)
        yield from _label_in_text(run, found)
        yield from _groups_torn(run, found)
        yield from _bad_rows(found)


def _twins(found: Mapping[str, Any]) -> Iterator[Advice]:
    twins = found["duplicates"]
    if twins["rows"]:
        yield Advice(
            "Rows of validation and test were trained on",
            f"{twins['rows']:,} of them have a twin in an earlier split: {twins['whole_row']:,} the same in all, "
            f"{twins['same_file']:,} with the same picture file, {twins['look_alike']:,} with a picture that looks "
            "the same. duplicates.csv lists the pairs. The figures flatter.",
            "Drop one of each pair, or name a column that has the same value for twins: it keeps them in one split.",
            ("data.group",),
        )


def _contradictions(run: Contents, found: Mapping[str, Any]) -> Iterator[Advice]:
    told = found["contradictions"]
    if told["rows"]:
        yield Advice(
            "The same content has different labels",
            f"{told['rows']:,} rows share {told['contents']:,} contents and differ in their labels: no model can be "
            "right on all of them. contradictions.csv lists them.",
            "Mend the labels. If both are right, several labels a row are what is meant: a head of kind multi_label.",
            tuple(f"data.labels.{head}" for head in run.recipe.spec.heads),
        )


def _label_in_text(run: Contents, found: Mapping[str, Any]) -> Iterator[Advice]:
    telling = sorted((one for one in found["label_in_text"] if one["gives_away"]), key=lambda one: -one["told"])
    if telling:
        examples = ", ".join(f"{one['told']:,} of {one['rows']:,} of {one['label']!r}" for one in telling[:SHOWN])
        inputs = sorted({one["input"] for one in telling} & set(run.recipe.data.columns))
        yield Advice(
            "Texts give their label away",
            f"For {len(telling)} label{'s' if len(telling) > 1 else ''} the text contains the label itself: {examples}"
            f"{' and others' if len(telling) > SHOWN else ''}. label_in_text.csv lists the rows.",
            "That is as it should be if it will be so when the model is used. If not, the figures flatter: take the "
            "label out of the texts.",
            tuple(f"data.columns.{name}" for name in inputs),
        )


def _groups_torn(run: Contents, found: Mapping[str, Any]) -> Iterator[Advice]:
    count = found["groups_in_several_splits"]
    if count:
        yield Advice(
            "Groups are torn apart by the split",
            f"{count:,} groups of column {run.recipe.data.group!r} are in more than one split.",
            "Change the split column, or leave it out: a split that is made keeps groups whole.",
            ("data.split.column", "data.group"),
        )


def _bad_rows(found: Mapping[str, Any]) -> Iterator[Advice]:
    if found["bad"] > BAD_SHARE * found["rows"]:
        yield Advice(
            "Rows were left out",
            f"{found['bad']:,} of {found['rows']:,} rows could not be used. bad_rows.csv says why.",
            "Mend them, if they are of a kind that the model will meet: what is left out is not learned.",
            ("data.manifest", "data.image_root"),
        )
