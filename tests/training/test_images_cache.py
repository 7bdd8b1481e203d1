"""The cache of decoded pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.errors import StorageError
from model.spec import ImageInput
from training.images_cache import decoded

IMAGE = ImageInput(height=8, width=10)


def picture(directory: Path, name: str, shade: int) -> Path:
    path = directory / name
    Image.new("RGB", (10, 8), (shade, shade, shade)).save(path)
    return path


def cached(paths: list[Path | None], directory: Path, seen: list[int] | None = None, image: ImageInput = IMAGE):  # type: ignore[no-untyped-def]
    def progress(done: int, total: int) -> None:
        if seen is not None:
            seen.append(done)

    return decoded(paths, image, directory=directory, max_pixels=1000, progress=progress)


def test_pictures_are_decoded_in_order_and_absent_ones_stay_black(tmp_path: Path) -> None:
    paths = [picture(tmp_path, f"{shade}.png", shade) for shade in (10, 200)]
    pixels, bad = cached([paths[1], None, paths[0]], tmp_path / "cache")

    assert pixels.shape == (3, 8, 10, 3)
    assert [int(one.max()) for one in pixels] == [200, 0, 10]
    assert bad == {}


def test_pictures_are_decoded_once(tmp_path: Path) -> None:
    paths: list[Path | None] = [picture(tmp_path, "a.png", 10), tmp_path / "none.png"]
    first: list[int] = []
    again: list[int] = []

    pixels, bad = cached(paths, tmp_path / "cache", first)
    same, same_bad = cached(paths, tmp_path / "cache", again)

    assert (first, again) == ([1, 2], [])
    np.testing.assert_array_equal(pixels, same)
    assert bad == same_bad


def test_a_changed_picture_or_setting_is_decoded_anew(tmp_path: Path) -> None:
    path = picture(tmp_path, "a.png", 10)
    cached([path], tmp_path / "cache")
    path = picture(tmp_path, "a.png", 99)
    os.utime(path, ns=(1, 1))

    assert cached([path], tmp_path / "cache")[0].max() == 99
    assert cached([path], tmp_path / "cache", image=ImageInput(height=8, width=8))[0].shape == (1, 8, 8, 3)


def test_each_unusable_picture_is_reported_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    Image.new("RGB", (50, 50)).save(tmp_path / "large.png")
    whole = picture(tmp_path, "whole.png", 10)
    names = ["text.png", "empty.png", "large.png", "none.png"]

    pixels, bad = cached([whole, *(tmp_path / name for name in names)], tmp_path / "cache")

    assert list(bad) == [1, 2, 3, 4]
    assert all(name in reason for name, reason in zip(names, bad.values(), strict=True))
    assert "there is no such file" in bad[4]
    assert pixels[0].max() == 10


def test_a_decoding_that_is_broken_off_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decoded([picture(tmp_path, "a.png", 1)], IMAGE, directory=tmp_path / "c", max_pixels=1000, progress=interrupt)

    assert list((tmp_path / "c").iterdir()) == []


def test_too_little_room_is_told_before_decoding(tmp_path: Path) -> None:
    rows: list[Path | None] = [None] * 1_000_000
    with pytest.raises(StorageError, match=r"^The decoded pictures need 3,000,000 MiB in .*; .* MiB are free"):
        cached(rows, tmp_path / "cache", image=ImageInput(height=1024, width=1024))


def test_a_cache_folder_that_can_not_be_made_is_told() -> None:
    with pytest.raises(StorageError, match=r"The cache folder .* can't be made: .*Choose another with --cache-dir"):
        cached([None], Path("/proc/bifocal"))


def test_a_file_that_could_not_be_read_is_tried_again_next_time(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.mkdir()  # reading a folder fails, as a passing failure of a disk would
    _, bad = cached([path], tmp_path / "cache")
    assert "Is a directory" in bad[0]
    assert list((tmp_path / "cache").iterdir()) == []

    path.rmdir()
    picture(tmp_path, "a.png", 10)
    pixels, bad = cached([path], tmp_path / "cache")
    assert (bad, pixels.max()) == ({}, 10)


@pytest.mark.parametrize("name", ["data:image/png;base64," + "A" * 5000, "a\0b.png"])
def test_what_is_no_path_is_a_bad_row_and_not_the_end(tmp_path: Path, name: str) -> None:
    whole = picture(tmp_path, "a.png", 10)
    pixels, bad = cached([tmp_path / name, whole], tmp_path / "cache")

    assert list(bad) == [0]
    assert pixels[1].max() == 10
