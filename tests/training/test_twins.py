"""Twins of the data check: pictures and texts that stand in two splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.training.checking import examined, rows_of, write_pictures
from training.check.alike import alike
from training.check.near import MOST_BITS, near
from training.pipeline import Held


def test_plain_pictures_are_twins_only_as_the_same_file(tmp_path: Path) -> None:
    rows = rows_of(
        "0.png|a|x|train", "1.png|b|y|train", "2.png|c|x|val", "3.png|d|y|val", "4.png|e|x|test", "4.png|f|y|test"
    )
    recipe = write_pictures(tmp_path, [10, 20, 10, 21, 22], rows)
    (twin,) = examined(recipe).duplicates

    assert (twin.position, twin.other, twin.what, twin.distance) == (2, 0, "image", None)


def test_pictures_that_get_lighter_evenly_are_twins_only_as_the_same_file(tmp_path: Path) -> None:
    rows = rows_of(
        "0.png|a|x|train", "1.png|b|y|train", "2.png|c|x|val", "3.png|d|y|val", "4.png|e|x|test", "5.png|f|y|test"
    )
    recipe = write_pictures(tmp_path, [1] * 6, rows)
    for number in range(6):
        ramp = np.linspace(0, 200 + number, 40).astype(np.uint8)
        Image.fromarray(np.broadcast_to(ramp[None, :, None], (40, 40, 3)).copy()).save(tmp_path / f"{number}.png")

    assert examined(recipe).duplicates == []


def likeness(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(alike(Held(np.stack([one, other])), np.array([0]), np.array([1]))[0])


def test_a_picture_is_like_itself_with_noise_and_unlike_one_that_differs_in_a_part() -> None:
    random = np.random.default_rng(0)
    picture = np.full((64, 64, 3), 240, np.uint8)
    picture[10:50, 8:40] = (30, 90, 160)
    noisy = np.clip(picture.astype(int) + random.integers(-12, 13, picture.shape), 0, 255).astype(np.uint8)
    changed = picture.copy()
    changed[52:60, 48:60] = (200, 20, 20)

    assert likeness(picture, noisy)
    assert not likeness(picture, changed)


def test_pictures_of_little_contrast_must_be_nearer_and_plain_ones_are_never_alike() -> None:
    soft = np.full((64, 64, 3), 120, np.uint8)
    soft[:, 32:] = 140
    shifted = np.full((64, 64, 3), 125, np.uint8)
    shifted[:, 32:] = 144
    plain = np.full((64, 64, 3), 120, np.uint8)
    plain[0, 0] = 122

    assert not likeness(soft, shifted)
    assert likeness(soft, soft + 1)
    assert not likeness(plain, plain)


def test_rows_without_a_picture_are_twins_by_their_words(tmp_path: Path) -> None:
    rows = rows_of(
        "|Hello  World|x|train", "|a|y|train", "|hello world|x|val", "|b|y|val", "0.png|a|x|test", "|c|y|test"
    )
    (twin,) = examined(write_pictures(tmp_path, [10], rows)).duplicates

    assert (twin.position, twin.other, twin.what) == (2, 0, None)


def test_near_hashes_are_found_without_comparing_all() -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**64, 20_000, dtype=np.uint64)
    queries = hashes[:300].copy()
    for number in range(300):
        for bit in random.choice(64, number % (MOST_BITS + 3), replace=False):
            queries[number] ^= np.uint64(1) << np.uint64(bit)
    query, hit = near(queries, hashes)

    found = set(zip(query.tolist(), hit.tolist(), strict=True))
    assert {(n, n) for n in range(300) if n % (MOST_BITS + 3) <= 7} <= found
    assert (np.bitwise_count(queries[query] ^ hashes[hit]) <= MOST_BITS).all()


def test_many_alike_hashes_do_not_hide_the_same_one() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**6, 50_000, dtype=np.uint64) << np.uint64(20)
    hashes[777] = np.uint64(0b1011 << 40)
    query, hit = near(hashes[777:778], hashes)

    assert 777 in hit[query == 0]
