"""The cache of decoded pictures: what is decoded, what is not decoded again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import images
from model.errors import StorageError
from model.spec import ImageInput
from training.cache import Decoded, decoded

IMAGE = ImageInput(height=8, width=10)
LONG_AGO = 1_600_000_000 * 10**9  # ns


def picture(directory: Path, name: str, shade: int) -> Path:
    path = directory / name
    Image.new("RGB", (10, 8), (shade, shade, shade)).save(path)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))  # settled: a file that has just changed is read again
    return path


def cached(
    paths: Sequence[Path | None], directory: Path, seen: list[tuple[int, int]] | None = None, image: ImageInput = IMAGE
) -> Decoded:
    def progress(done: int, total: int) -> None:
        if seen is not None:
            seen.append((done, total))

    return decoded(paths, image, directory=directory, max_pixels=1000, progress=progress)


def all_of(column: Decoded) -> list[int]:
    """The lightest value of each picture."""
    return [int(one.max()) for one in column.take(np.arange(len(column)))]


def pixels_file(cache: Path) -> Path:
    (found,) = cache.glob("*/pixels-*.u8")
    return found


def test_pictures_are_taken_by_row_and_absent_ones_are_black(tmp_path: Path) -> None:
    paths = [picture(tmp_path, f"{shade}.png", shade) for shade in (10, 200)]
    column = cached([paths[1], None, paths[0]], tmp_path / "cache")

    taken = column.take(np.array([2, 1, 0, 2]))
    assert (taken.shape, taken.dtype) == ((4, 8, 10, 3), np.uint8)
    assert [int(one.max()) for one in taken] == [10, 0, 200, 10]
    assert column.bad == {}


def test_pictures_are_decoded_once_and_unusable_ones_tried_once(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    os.utime(tmp_path / "text.png", ns=(LONG_AGO, LONG_AGO))
    paths = [picture(tmp_path, "a.png", 10), tmp_path / "text.png"]
    first: list[tuple[int, int]] = []
    again: list[tuple[int, int]] = []

    column = cached(paths, tmp_path / "cache", first)
    same = cached(paths, tmp_path / "cache", again)

    assert (first, again) == ([(1, 2), (2, 2)], [])
    np.testing.assert_array_equal(column.take(np.arange(2)), same.take(np.arange(2)))
    assert list(same.bad) == [1]
    assert column.bad == same.bad


def test_an_unchanged_file_is_not_even_read(tmp_path: Path) -> None:
    path = picture(tmp_path, "a.png", 10)
    cached([path], tmp_path / "cache")
    path.write_bytes(bytes(path.stat().st_size))
    os.utime(path, ns=(LONG_AGO, LONG_AGO))

    assert all_of(cached([path], tmp_path / "cache")) == [10]


def test_a_file_that_changes_again_within_one_tick_of_its_clock_is_noticed(tmp_path: Path) -> None:
    path = picture(tmp_path, "a.bmp", 10)
    now = path.stat().st_ctime_ns
    os.utime(path, ns=(now, now))
    cached([path], tmp_path / "cache")
    picture(tmp_path, "a.bmp", 99)  # as long as before
    os.utime(path, ns=(now, now))

    assert all_of(cached([path], tmp_path / "cache")) == [99]


def test_a_changed_picture_or_setting_is_decoded_anew(tmp_path: Path) -> None:
    path = picture(tmp_path, "a.bmp", 10)
    cached([path], tmp_path / "cache")
    picture(tmp_path, "a.bmp", 99)
    os.utime(path, ns=(1, 1))

    assert all_of(cached([path], tmp_path / "cache")) == [99]
    smaller = cached([path], tmp_path / "cache", image=ImageInput(height=8, width=8))
    assert smaller.take(np.arange(1)).shape == (1, 8, 8, 3)
    few_pixels = decoded([path], IMAGE, directory=tmp_path / "cache", max_pixels=10, progress=lambda *_: None)
    assert "too large" in few_pixels.bad[0]


def test_one_added_row_decodes_one_picture(tmp_path: Path) -> None:
    paths = [picture(tmp_path, f"{shade}.png", shade) for shade in (10, 20, 30)]
    cached(paths[:2], tmp_path / "cache")
    seen: list[tuple[int, int]] = []

    assert all_of(cached([paths[2], *paths], tmp_path / "cache", seen)) == [30, 10, 20, 30]
    assert seen == [(1, 1)]


def test_a_moved_file_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(tmp_path, "a.png", 10)
    cached([path], tmp_path / "cache")
    monkeypatch.setattr(images, "decode", lambda *_, **__: pytest.fail("decoded again"))

    assert all_of(cached([path.rename(tmp_path / "b.png")], tmp_path / "cache")) == [10]


def test_equal_content_is_kept_once(tmp_path: Path) -> None:
    paths = [picture(tmp_path, f"{number}.png", 10) for number in range(3)]
    column = cached([*paths, paths[0]], tmp_path / "cache")

    assert pixels_file(tmp_path / "cache").stat().st_size == 8 * 10 * 3
    assert all_of(column) == [10] * 4
    assert len(np.unique(column.digests, axis=0)) == 1


def test_each_unusable_picture_is_reported_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    Image.new("RGB", (50, 50)).save(tmp_path / "large.png")
    whole = picture(tmp_path, "whole.png", 10)
    names = ["text.png", "empty.png", "large.png", "none.png"]

    column = cached([whole, *(tmp_path / name for name in names)], tmp_path / "cache")

    assert list(column.bad) == [1, 2, 3, 4]
    assert all(name in reason for name, reason in zip(names, column.bad.values(), strict=True))
    assert "there is no such file" in column.bad[4]
    assert all_of(column) == [10, 0, 0, 0, 0]


def test_digests_and_hashes_tell_pictures_apart_and_are_zero_without_one(tmp_path: Path) -> None:
    stripes = np.zeros((80, 90, 3), np.uint8)
    stripes[:, ::20] = 255
    Image.fromarray(stripes[:, :80].copy()).save(tmp_path / "a.png")
    Image.fromarray(stripes[::2, :80:2].copy()).save(tmp_path / "smaller.png")
    (tmp_path / "text.png").write_text("hello")
    names = ["a.png", "smaller.png", "text.png", "none.png"]
    image = ImageInput(height=72, width=72)
    column = decoded(
        [None, *(tmp_path / name for name in names)],
        image,
        directory=tmp_path / "cache",
        max_pixels=10**6,
        progress=lambda *_: None,
    )

    assert (column.digests.shape, column.digests.dtype, column.hashes.dtype) == ((5, 16), np.uint8, np.uint64)
    assert column.digests.any(axis=1).tolist() == [False, True, True, True, False]
    assert column.hashes[[0, 3, 4]].tolist() == [0, 0, 0]
    assert column.hashes[1] != 0
    assert (int(column.hashes[1]) ^ int(column.hashes[2])).bit_count() <= 6
    assert (column.digests[1] != column.digests[2]).any()


def test_a_file_that_could_not_be_read_is_tried_again_next_time(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.mkdir()  # reading a folder fails, as a passing failure of a disk would
    assert "Is a directory" in cached([path], tmp_path / "cache").bad[0]

    path.rmdir()
    picture(tmp_path, "a.png", 10)
    column = cached([path], tmp_path / "cache")
    assert (column.bad, all_of(column)) == ({}, [10])


@pytest.mark.parametrize("name", ["data:image/png;base64," + "A" * 5000, "a\0b.png"])
def test_what_is_no_path_is_a_bad_row_and_not_the_end(tmp_path: Path, name: str) -> None:
    whole = picture(tmp_path, "a.png", 10)
    column = cached([tmp_path / name, whole], tmp_path / "cache")

    assert list(column.bad) == [0]
    assert all_of(column) == [0, 10]


@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")

    assert "Is not a file" in cached([tmp_path / "a.png"], tmp_path / "cache").bad[0]


def test_paths_are_asked_for_one_by_one(tmp_path: Path) -> None:
    class Lazy(Sequence[Path | None]):
        def __len__(self) -> int:
            return 5

        def __getitem__(self, row: object) -> Path | None:  # type: ignore[override]
            if not isinstance(row, int):
                raise TypeError("one at a time")
            if row >= len(self):
                raise IndexError
            return picture(tmp_path, f"{row}.png", row) if row % 2 else None

    assert all_of(cached(Lazy(), tmp_path / "cache")) == [0, 1, 0, 3, 0]


def test_too_little_room_is_told_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [picture(tmp_path, f"{shade}.png", shade) for shade in range(3)]
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5 * 2**20))
    large = ImageInput(height=1024, width=1024)

    with pytest.raises(
        StorageError, match=r"^3 pictures are still .* 1024x1024; they need 9 MiB in .*, where 5 MiB are"
    ):
        cached(paths, tmp_path / "cache", image=large)
    assert list(tmp_path.glob("cache/*/pixels*")) == []


def test_what_is_there_under_other_names_needs_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(tmp_path, "a.png", 10)
    cached([path], tmp_path / "cache")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))

    assert all_of(cached([path.rename(tmp_path / "b.png")], tmp_path / "cache")) == [10]


def test_a_cache_folder_that_can_not_be_made_is_told() -> None:
    with pytest.raises(StorageError, match=r"The cache folder /proc/bifocal can't be used: .*with --cache-dir"):
        cached([None], Path("/proc/bifocal"))
