"""A manifest and a bundle in, predictions and bad rows out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model.bundle import Bundle, Metadata
from model.errors import ManifestError
from service.scoring.columns import columns_of
from service.scoring.formats import format_of
from service.scoring.manifest import Manifest, open_manifest
from service.scoring.parts import PART_ROWS, Parts
from service.scoring.progress import Progress
from service.scoring.reader import Reader
from service.scoring.remaining import Remaining
from service.scoring.scored import Bad, Scored, cells_of, schema_of
from service.scoring.scorer import Scorer
from service.settings import Settings


@dataclass(frozen=True)
class Order:
    """What is to be scored.

    Args:
        manifest: the table of examples.
        out: file of the result.
        columns: by input, those that are not called as the input is.
        image_root: folder that picture paths are relative to; the manifest's if not given.
        restart: do away with what an earlier run left.
    """

    manifest: Path
    out: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    image_root: Path | None = None
    restart: bool = False


@dataclass(frozen=True)
class Summary:
    """What became of it.

    Args:
        rows: of the manifest.
        resumed: of them that an earlier run had scored.
        bad: of them that could not be scored.
        bad_file: where these are listed.
        left_out: inputs that the manifest has no column for.
    """

    rows: int
    resumed: int
    bad: int
    bad_file: Path
    left_out: tuple[str, ...]

    @property
    def share_bad(self) -> float:
        """Of the rows, from 0 to 1."""
        return self.bad / self.rows if self.rows else 0.0


def score(bundle: Bundle, order: Order, *, scorer: Scorer, settings: Settings, progress: Progress) -> Summary:
    """Scores every row of a manifest, or those that an earlier run has left.

    Args:
        bundle: the model.
        order: what is to be scored.
        scorer: where; of the same model, with the same settings.
        settings: limits, which decide what the result says.
        progress: told how far it is.

    Raises:
        ManifestError: if the manifest can't be used, or the result can't be written.
        BundleError: if the bundle can't be loaded.
        ClusterError: if the scorer's cluster can't be used.
    """
    spec = bundle.spec
    manifest = open_manifest(order.manifest)
    columns = columns_of(spec, manifest.columns, order.columns, name=manifest.file.name)
    image_root = (order.image_root or manifest.file.parent).absolute()
    writes = format_of(order.out, schema_of(spec))
    made_from = {
        "the bundle": digest_of(bundle),
        "the manifest": manifest.digest(),
        "the columns": json.dumps(columns),
        "the folder of the pictures": str(image_root),
        "max_pixels": str(settings.max_pixels),
        "the size of the parts": str(PART_ROWS),
    }
    parts = Parts(order.out, made_from, writes)
    with parts.held(restart=order.restart):
        rows = Remaining(manifest, parts.count * PART_ROWS)
        earlier = total = rows.earlier
        if rows:  # else all was done but putting the parts together
            with scorer.scoring(rows, Reader(spec, columns, image_root)) as results:
                progress.start(manifest.share_read)
                total = _keep(_consecutive(results, earlier), parts, bundle.metadata, manifest, progress)
        manifest.refuse_if_changed()
        bad = parts.bad()
        parts.finish()
    left_out = tuple(name for name in spec.inputs if name not in columns)
    return Summary(total, earlier, bad, parts.bad_file, left_out)


def digest_of(bundle: Bundle) -> str:
    """SHA-256 of the file that has the digests of all others."""
    return hashlib.sha256((bundle.path / "assets.extra" / "bifocal.json").read_bytes()).hexdigest()


def _consecutive(results: Iterator[Scored], earlier: int) -> Iterator[Scored]:
    """The same, once it is sure that no row is missing and none came twice."""
    for expected, row in enumerate(results, earlier + 1):
        if row.number != expected:
            raise ManifestError(f"Row {row.number} came where row {expected} was expected. Start anew with --restart.")
        yield row


def _keep(results: Iterator[Scored], parts: Parts, metadata: Metadata, manifest: Manifest, progress: Progress) -> int:
    """Puts rows away, part by part. The number of the last one."""
    done = bad = last = 0
    part: list[Scored] = []
    spec, thresholds = metadata.spec, metadata.threshold_arrays
    try:
        for row in results:
            part.append(row)
            last = row.number
            done += 1
            bad += isinstance(row.outcome, Bad)
            progress.update(done, bad, manifest.share_read)
            if len(part) == PART_ROWS:
                parts.add(part, [cells_of(spec, one, thresholds) for one in part])
                part = []
        if part:
            parts.add(part, [cells_of(spec, one, thresholds) for one in part])
    finally:
        progress.end()
    return last
