"""The demo set: what its pictures and words tell, and how it gets onto the disk."""

import csv
import re
from collections import Counter
from math import log
from pathlib import Path

import pytest
from PIL import Image

from model.errors import ManifestError
from training.demo_data import write_demo_set
from training.demo_data.captions import mistype, write_caption, write_tags
from training.demo_data.dice import Dice
from training.demo_data.listings import COLOURS, CONDITIONS, LABELS, THINGS, Listing, draw_listings
from training.demo_data.photo import photograph
from training.demo_data.phrases import ENGLISH, GERMAN, JAPANESE

DEFAULT_ROWS = 1800


@pytest.fixture(scope="module")
def demo_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_set(tmp_path_factory.mktemp("demo") / "shop", rows=120, size_px=32).directory


@pytest.fixture(scope="module")
def listings() -> list[Listing]:
    return draw_listings(DEFAULT_ROWS, Dice(7))


@pytest.fixture(scope="module")
def captions(listings: list[Listing]) -> list[str]:
    return [write_caption(listing, Dice(7, row)) for row, listing in enumerate(listings)]


def read_manifest(directory: Path) -> list[dict[str, str]]:
    with (directory / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def words_of(caption: str) -> list[str]:
    return re.findall(r"\w+", caption.casefold())


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (
        read_files(write_demo_set(tmp_path / name, rows=24, size_px=16, seed=seed).directory)
        for name, seed in (("first", 3), ("again", 3), ("other", 4))
    )

    assert first == again
    assert first["manifest.csv"] != other["manifest.csv"]
    assert not set(first.values()) & set(other.values())


def test_no_picture_or_caption_of_like_listings_is_repeated_within_or_across_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = Listing("mug", "used", "red", "train")
    monkeypatch.setattr("training.demo_data.writing.draw_listings", lambda rows, _: [same] * rows)
    directories = [write_demo_set(tmp_path / str(seed), rows=24, size_px=16, seed=seed).directory for seed in (3, 4)]

    files = [content for directory in directories for content in read_files(directory).values()]
    captions = [row["caption"] for directory in directories for row in read_manifest(directory)]

    assert len(set(files)) == 2 * (24 + 1)
    assert len(set(captions)) > 40


def test_manifest_has_the_columns_and_a_row_for_every_picture(demo_directory: Path) -> None:
    rows = read_manifest(demo_directory)

    assert list(rows[0]) == ["image", "caption", "tags", "label", "split"]
    assert len(rows) == 120
    assert {row["image"] for row in rows} == set(read_files(demo_directory)) - {"manifest.csv"}
    assert all(row["caption"] for row in rows)


def test_what_was_written_is_told_and_the_fewest_rows_have_all_labels(tmp_path: Path) -> None:
    demo_set = write_demo_set(tmp_path / "a" / "shop", rows=24, size_px=16)
    rows = read_manifest(demo_set.directory)

    assert demo_set.manifest == tmp_path / "a" / "shop" / "manifest.csv"
    assert demo_set.rows == len(rows) == 24
    assert set(demo_set.labels) == {row["label"] for row in rows} == set(LABELS)


def test_every_picture_opens_and_has_the_size(demo_directory: Path) -> None:
    formats = Counter[str | None]()
    for path in (demo_directory / "images").iterdir():
        with Image.open(path) as image:
            image.load()
            assert (image.size, image.mode) == ((32, 32), "RGB")
            formats[image.format] += 1

    assert set(formats) == {"JPEG", "PNG", "WEBP"}
    assert formats.most_common(1)[0][0] == "JPEG"


@pytest.mark.parametrize("rows", [120, 500, DEFAULT_ROWS])
def test_every_label_has_rows_in_every_split_and_shares_are_kept(rows: int) -> None:
    listings = draw_listings(rows, Dice(7))
    cells = Counter((listing.label, listing.split) for listing in listings)
    splits = Counter(listing.split for listing in listings)

    assert set(cells) == {(label, split) for label in LABELS for split in ("train", "val", "test")}
    assert splits == {"train": round(0.7 * rows), "val": round(0.15 * rows), "test": round(0.15 * rows)}
    for label in LABELS:
        total = sum(cells[label, split] for split in splits)
        assert cells[label, "test"] / total == pytest.approx(0.15, abs=2 / total)


def test_labels_are_uneven_but_none_is_rare(listings: list[Listing]) -> None:
    counts = Counter(listing.label for listing in listings)

    assert sum(counts.values()) == DEFAULT_ROWS
    assert 0.6 < min(counts.values()) / max(counts.values()) < 0.8


@pytest.mark.parametrize(("first", "second"), [("thing", "condition"), ("colour", "condition"), ("colour", "thing")])
def test_thing_condition_and_colour_tell_nothing_of_one_another(
    listings: list[Listing], first: str, second: str
) -> None:
    pairs = Counter((getattr(listing, first), getattr(listing, second)) for listing in listings)
    firsts = Counter(getattr(listing, first) for listing in listings)
    seconds = Counter(getattr(listing, second) for listing in listings)
    # By chance, 2 * rows * information is chi-squared; of ten colours and four things it rarely passes 55.
    information = sum(
        count / DEFAULT_ROWS * log(count * DEFAULT_ROWS / (firsts[one] * seconds[other]))
        for (one, other), count in pairs.items()
    )

    assert 2 * DEFAULT_ROWS * information < 55


def test_caption_tells_the_condition_and_hardly_ever_the_thing() -> None:
    changed = Counter[str]()
    for row in range(500):
        caption, of_lamp, of_used = (
            write_caption(Listing(thing, condition, "red", "train"), Dice(row))
            for thing, condition in (("mug", "new"), ("lamp", "new"), ("mug", "used"))
        )
        changed["thing"] += caption != of_lamp
        changed["condition"] += caption != of_used

    assert changed["thing"] < 0.1 * 500
    assert changed["condition"] > 0.95 * 500


def test_captions_rarely_name_a_thing_and_then_mostly_the_right_one(
    listings: list[Listing], captions: list[str]
) -> None:
    names = {name.split()[-1]: thing for thing in THINGS for name in ENGLISH.things[thing]} | {"pair": "shoe"}
    named = [
        names[word] == listing.thing
        for listing, caption in zip(listings, captions, strict=True)
        for word in set(words_of(caption)) & set(names)
    ]

    assert 0.03 * DEFAULT_ROWS < len(named) < 0.1 * DEFAULT_ROWS
    assert 0.7 < sum(named) / len(named) < 1


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_is_said_in_many_ways(listings: list[Listing], captions: list[str], condition: str) -> None:
    text = "\n".join(
        caption.casefold()
        for listing, caption in zip(listings, captions, strict=True)
        if listing.condition == condition
    )
    plain = [phrase for phrase in ENGLISH.conditions[condition] if "{" not in phrase]

    assert len(plain) >= 18
    assert [phrase for phrase in plain if phrase not in text] == []


def test_no_phrase_tells_two_conditions() -> None:
    for wording in (ENGLISH, GERMAN, JAPANESE):
        phrases = [phrase for condition in CONDITIONS for phrase in wording.conditions[condition]]

        assert len(phrases) == len(set(phrases))
        assert set(wording.colours) == set(COLOURS)


def test_about_one_caption_in_ten_has_a_word_that_only_a_typo_makes(captions: list[str]) -> None:
    counts = Counter(word for caption in captions for word in set(words_of(caption)))
    mistyped = [caption for caption in captions if any(counts[word] == 1 for word in words_of(caption))]

    assert 0.05 < len(mistyped) / DEFAULT_ROWS < 0.15


def test_some_captions_are_german_or_japanese(captions: list[str]) -> None:
    german = sum(any(letter in caption.casefold() for letter in "äöüß") for caption in captions)
    japanese = sum(re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", caption) is not None for caption in captions)

    assert german > 0.005 * DEFAULT_ROWS
    assert 0.015 < japanese / DEFAULT_ROWS < 0.05


def test_typo_changes_one_long_word_by_at_most_one_letter() -> None:
    for throw in range(200):
        typo = re.fullmatch(r"a big ([a-z]{6,8}), no box", mistype("a big scratch, no box", Dice(throw)))

        assert typo is not None
        assert typo[1] != "scratch"
        assert abs(len(typo[1]) - len("scratch")) <= 1
        assert set(typo[1]) <= set("scratch")


def test_captions_without_a_long_word_stay_as_they_are() -> None:
    assert mistype("as new", Dice(1)) == "as new"
    assert mistype("oooo", Dice(1)) == "oooo"


def test_tags_are_distinct_and_sometimes_absent(listings: list[Listing]) -> None:
    tags = [write_tags(listing, Dice(7, row)) for row, listing in enumerate(listings)]
    split_tags = [text.split(",") for text in tags if text]

    assert all(len(row) == len(set(row)) and all(row) for row in split_tags)
    assert {"gift", "pickup only", "vintage", "red"} <= {tag for row in split_tags for tag in row}
    assert 0 < tags.count("") / DEFAULT_ROWS < 0.25


@pytest.mark.parametrize("thing", THINGS)
def test_pictures_of_a_thing_differ_with_the_dice_and_from_those_of_others(thing: str) -> None:
    picture, again, retaken = (photograph(thing, COLOURS["red"], size_px=32, dice=Dice(key)) for key in (1, 1, 2))
    others = [photograph(other, COLOURS["red"], size_px=32, dice=Dice(1)) for other in THINGS if other != thing]

    assert picture.tobytes() == again.tobytes()
    assert picture.tobytes() not in {other.tobytes() for other in [retaken, *others]}


def test_directory_that_has_a_manifest_or_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(ManifestError, match=r"already has 'images'.*Choose another directory, delete"):
        write_demo_set(tmp_path, rows=24, size_px=16)

    (tmp_path / "manifest.csv").write_text("mine")
    with pytest.raises(ManifestError, match=r"already has 'manifest\.csv'"):
        write_demo_set(tmp_path, rows=24, size_px=16)

    assert (tmp_path / "manifest.csv").read_text() == "mine"


def test_overwriting_replaces_the_set_and_leaves_other_files(tmp_path: Path) -> None:
    fresh = read_files(write_demo_set(tmp_path / "fresh", rows=24, size_px=16, seed=2).directory)
    write_demo_set(tmp_path / "shop", rows=24, size_px=16, seed=1)
    (tmp_path / "shop" / "notes.txt").write_text("mine")

    write_demo_set(tmp_path / "shop", rows=24, size_px=16, seed=2, overwrite=True)

    assert read_files(tmp_path / "shop") == {**fresh, "notes.txt": b"mine"}


def test_failing_half_way_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, rows: int) -> None:
        if done == rows // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_demo_set(tmp_path / "shop", rows=24, size_px=16, progress=stop)

    assert list(tmp_path.iterdir()) == []


def test_failing_half_way_through_overwriting_keeps_what_was_there(tmp_path: Path) -> None:
    before = read_files(write_demo_set(tmp_path, rows=24, size_px=16).directory)

    def stop(*_: int) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_demo_set(tmp_path, rows=24, size_px=16, seed=8, progress=stop, overwrite=True)

    assert read_files(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "manifest.csv"]


def test_failing_while_the_set_is_put_into_place_leaves_no_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_demo_set(tmp_path, rows=24, size_px=16)

    def refuse(*_: Path) -> None:
        raise OSError("read-only")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="read-only"):
        write_demo_set(tmp_path, rows=24, size_px=16, overwrite=True)

    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_progress_is_told_after_each_picture(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    write_demo_set(tmp_path, rows=24, size_px=16, progress=lambda done, rows: told.append((done, rows)))

    assert told == [(done, 24) for done in range(1, 25)]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"rows": 23}, "expected at least 24 rows"),
        ({"size_px": 15}, "size_px to be at least 16"),
        ({"seed": -1}, "expected 0 or more. Received: -1"),
    ],
)
def test_numbers_too_small_are_refused_before_anything_is_made(
    tmp_path: Path, numbers: dict[str, int], message: str
) -> None:
    with pytest.raises(ManifestError, match=message):
        write_demo_set(tmp_path / "shop", **numbers)  # type: ignore[arg-type]

    assert list(tmp_path.iterdir()) == []


def test_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("mine")

    with pytest.raises(ManifestError, match="is a file; expected a directory"):
        write_demo_set(tmp_path / "shop")
