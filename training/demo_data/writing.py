"""The demo set on disk: `images/` and `manifest.csv`."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from PIL import Image

from model.errors import ManifestError
from training.demo_data.captions import write_caption, write_tags
from training.demo_data.dice import Dice
from training.demo_data.listings import COLOURS, LABELS, Listing, draw_listings
from training.demo_data.photo import photograph

COLUMNS = ("image", "caption", "tags", "label", "split")
LEAST_ROWS = 24
LEAST_SIZE_PX = 16

# The purpose is part of every key, so that words, pictures and the table never share a throw.
FOR_TABLE, FOR_PICTURE, FOR_WORDS, FOR_FILE = range(4)


@dataclass(frozen=True)
class DemoSet:
    """What was written.

    Args:
        directory: holds the manifest and `images/`.
        manifest: the table, one row a picture; paths in its `image` column are relative to `directory`.
        rows: number of pictures.
        labels: the labels in it.
    """

    directory: Path
    manifest: Path
    rows: int
    labels: tuple[str, ...]


def write_demo_set(
    directory: Path,
    *,
    rows: int = 1800,
    size_px: int = 64,
    seed: int = 7,
    progress: Callable[[int, int], None] | None = None,
    overwrite: bool = False,
) -> DemoSet:
    """Write the demo set; it appears whole or not at all.

    Args:
        directory: where to; made if it isn't there.
        rows: number of listings, at least 24; from 120 on, every label has rows in every split.
        size_px: side of the square pictures, at least 16.
        seed: the same seed gives the same bytes with the same versions of Pillow and NumPy.
        progress: called with the number of pictures done and `rows` after each picture.
        overwrite: replace the manifest and `images/` that `directory` already has. They stay until the new
            ones are complete.

    Raises:
        ManifestError: `directory` has a manifest or `images` already, or is a file, or `rows`, `size_px` or
            `seed` is too small.
    """
    _check_numbers(rows, size_px, seed)
    _check_directory(directory, overwrite=overwrite)
    listings = draw_listings(rows, Dice(seed, FOR_TABLE))
    created = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        # Inside the directory, not beside it: a mounted volume can't be renamed over.
        with TemporaryDirectory(prefix=".demo-data-", dir=directory) as name:
            staging = Path(name)
            _write(staging, listings, size_px=size_px, seed=seed, progress=progress)
            _move(staging, directory)
    except BaseException:
        if created:
            rmtree(directory, ignore_errors=True)
        raise
    return DemoSet(directory, directory / "manifest.csv", rows, LABELS)


def _check_numbers(rows: int, size_px: int, seed: int) -> None:
    if rows < LEAST_ROWS:
        raise ManifestError(
            f"A demo set of {rows} rows can't hold its {len(LABELS)} labels; expected at least {LEAST_ROWS} rows, "
            "and better 120, which puts every label into every split."
        )
    if size_px < LEAST_SIZE_PX:
        raise ManifestError(
            f"Pictures of {size_px} pixels show nothing; expected size_px to be at least {LEAST_SIZE_PX}."
        )
    if seed < 0:
        raise ManifestError(f"A seed can't be negative; expected 0 or more. Received: {seed}.")


def _check_directory(directory: Path, *, overwrite: bool) -> None:
    if directory.exists() and not directory.is_dir():
        raise ManifestError(f"'{directory}' is a file; expected a directory to write the demo set to.")
    for taken in (directory / "manifest.csv", directory / "images"):
        if taken.exists() and not overwrite:
            raise ManifestError(
                f"'{directory}' already has '{taken.name}', which the demo set would replace. Choose another "
                f"directory, delete '{taken}', or overwrite it (--overwrite)."
            )


def _write(
    directory: Path,
    listings: list[Listing],
    *,
    size_px: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    (directory / "images").mkdir()
    with (directory / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for row, listing in enumerate(listings):
            picture = photograph(
                listing.thing, COLOURS[listing.colour], size_px=size_px, dice=Dice(seed, FOR_PICTURE, row)
            )
            path = _save(picture, directory, row, Dice(seed, FOR_FILE, row))
            words = Dice(seed, FOR_WORDS, row)
            table.writerow(
                (
                    path,
                    write_caption(listing, words),
                    write_tags(listing, words),
                    listing.label,
                    listing.split,
                )
            )
            if progress is not None:
                progress(row + 1, len(listings))


def _save(picture: Image.Image, directory: Path, row: int, dice: Dice) -> str:
    """Save as JPEG, PNG or, rarely, WebP, as sellers' uploads are, and return the path from `directory`."""
    kind = dice.pick(("jpg",) * 6 + ("png",) * 3 + ("webp",))
    path = f"images/{row:05d}.{kind}"
    quality = round(dice.between(70, 93))
    picture.save(directory / path, quality=quality)  # PNG has no quality and ignores it
    return path


def _move(staging: Path, directory: Path) -> None:
    """Put the finished set into its place.

    The manifest goes first and comes last: a directory that has one is whole, whenever this is cut short.
    """
    manifest, images = directory / "manifest.csv", directory / "images"
    manifest.unlink(missing_ok=True)
    if images.exists():
        images.rename(staging / "replaced")
    (staging / "images").rename(images)
    (staging / "manifest.csv").rename(manifest)
