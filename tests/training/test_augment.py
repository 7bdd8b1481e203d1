"""Varied pictures and texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings as effort
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.augment import pictures, texts
from training.augment_settings import AugmentSettings

ALWAYS = 1 - 1e-9
EVERYTHING = AugmentSettings(flip=0.5, shift=0.2, zoom=0.3, rotation=90, colour=0.8, erasing=0.5)


def batch(count: int = 4, shade: int | None = None) -> NDArray[np.uint8]:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 12, 16, 3), np.uint8)
    return pixels if shade is None else np.full_like(pixels, shade)


def seeds_of(values: NDArray[Any], seed: int = 0) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**64, len(values), np.uint64)


def varied(values: NDArray[np.uint8], settings: AugmentSettings, seed: int = 0) -> NDArray[np.uint8]:
    return pictures(values, np.ones(len(values), bool), settings, seeds_of(values, seed))


def words(text: str, settings: AugmentSettings, *, seed: int = 0, delimiter: str | None = None) -> str:
    values = np.array([text], object)
    return str(texts(values, settings, seeds_of(values, seed), delimiter=delimiter)[0])


def test_no_settings_change_nothing() -> None:
    values, captions = batch(), np.array(["a  b", ""], object)

    assert varied(values, AugmentSettings()) is values
    assert texts(captions, AugmentSettings(), seeds_of(captions), delimiter=None) is captions


def test_what_goes_in_stays_as_it_is() -> None:
    values, captions = batch(), np.array(["a b c d"], object)
    varied(values, EVERYTHING)
    texts(captions, AugmentSettings(word_dropout=0.9), seeds_of(captions), delimiter=None)

    np.testing.assert_array_equal(values, batch())
    assert captions.tolist() == ["a b c d"]


def test_a_seed_gives_the_same_again_and_another_something_else() -> None:
    np.testing.assert_array_equal(varied(batch(), EVERYTHING, 1), varied(batch(), EVERYTHING, 1))
    assert (varied(batch(), EVERYTHING, 1) != varied(batch(), EVERYTHING, 2)).any()


def test_what_is_drawn_for_an_example_does_not_hang_on_the_others() -> None:
    values, captions = batch(8), np.array([f"a b c d e {n}" for n in range(8)], object)
    settings, seeds = AugmentSettings(**EVERYTHING.model_dump() | {"word_dropout": 0.5}), seeds_of(values)
    given, some = np.ones(8, bool), slice(3, 6)

    apart = pictures(values[some], given[some], settings, seeds[some])
    np.testing.assert_array_equal(apart, pictures(values, given, settings, seeds)[some])
    assert list(texts(captions[some], settings, seeds[some], delimiter=None)) == list(
        texts(captions, settings, seeds, delimiter=None)[some]
    )


def test_absent_pictures_stay_black() -> None:
    given = np.array([True, False, True, False])
    values = np.where(given[:, None, None, None], batch(), 0).astype(np.uint8)
    changed = pictures(values, given, EVERYTHING, seeds_of(values))

    assert (changed.any(axis=(1, 2, 3)) == given).all()


def test_a_flip_mirrors_exactly() -> None:
    np.testing.assert_array_equal(varied(batch(), AugmentSettings(flip=ALWAYS)), batch()[:, :, ::-1])


def test_about_the_wanted_share_is_flipped() -> None:
    values = batch(500)
    flipped = (varied(values, AugmentSettings(flip=0.3)) != values).any(axis=(1, 2, 3))

    assert 0.23 < flipped.mean() < 0.37


def centre(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """Row and column of the middle of what is dark."""
    dark = 255.0 - pixels[..., 0]
    rows, columns = np.indices(dark.shape)
    return float((rows * dark).sum() / dark.sum()), float((columns * dark).sum() / dark.sum())


def spot(height: int = 40, width: int = 40) -> NDArray[np.uint8]:
    values = np.full((30, height, width, 3), 255, np.uint8)
    values[:, height // 2 - 2 : height // 2 + 2, width // 2 + 4 : width // 2 + 8] = 0
    return values


def test_a_shift_moves_within_its_bounds_and_both_ways() -> None:
    moved = np.array([centre(one) for one in varied(spot(), AugmentSettings(shift=0.2))]) - centre(spot()[0])

    assert np.abs(moved).max() <= 8.1
    assert (moved.min(axis=0) < -4).all()
    assert (moved.max(axis=0) > 4).all()


def test_a_rotation_keeps_the_distance_from_the_middle() -> None:
    turned = np.array([centre(one) for one in varied(spot(), AugmentSettings(rotation=90))]) - 19.5

    np.testing.assert_allclose(np.hypot(*turned.T), 6.0, atol=0.2)
    assert np.ptp(np.arctan2(*turned.T)) > 1.5


def test_a_zoom_grows_and_shrinks_about_the_middle() -> None:
    dark = (255.0 - varied(spot(), AugmentSettings(zoom=0.4))[..., 0]).sum(axis=(1, 2)) / (16 * 255)

    assert dark.min() >= 0.6**2 - 0.05
    assert dark.max() <= 1.4**2 + 0.05
    assert np.ptp(dark) > 0.5


def test_what_comes_in_from_outside_has_the_colour_of_the_border() -> None:
    moved = varied(spot(), AugmentSettings(shift=0.4, zoom=0.4, rotation=180))

    assert (moved[:, [0, -1]][..., 0] > 250).mean() > 0.9
    grey = varied(batch(shade=90), AugmentSettings(shift=0.4, zoom=0.4, rotation=180))
    assert (grey == 90).all()


def test_colours_change_and_places_do_not() -> None:
    values = np.full((20, 12, 16, 3), (200, 100, 50), np.uint8)
    changed = varied(values, AugmentSettings(colour=0.5))

    assert (changed == changed[:, :1, :1]).all()
    assert len(np.unique(changed[:, 0, 0], axis=0)) == 20


def test_grey_pictures_stay_grey() -> None:
    values = np.repeat(batch()[..., :1], 3, axis=3)
    changed = varied(values, AugmentSettings(colour=0.9)).astype(int)

    assert np.abs(changed - changed[..., :1]).max() <= 1


def test_erasing_replaces_one_rectangle_with_noise() -> None:
    values = np.full((50, 40, 40, 3), 7, np.uint8)
    erased = (varied(values, AugmentSettings(erasing=ALWAYS)) != 7).any(axis=3)
    shares = erased.mean(axis=(1, 2))

    assert shares.min() > 0.01
    assert shares.max() < 0.36
    for one in erased:
        rows, columns = np.flatnonzero(one.any(axis=1)), np.flatnonzero(one.any(axis=0))
        assert one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.99


def test_a_draw_hangs_on_no_other_setting() -> None:
    both = varied(batch(), AugmentSettings(flip=0.5, erasing=1e-9))

    np.testing.assert_array_equal(both, varied(batch(), AugmentSettings(flip=0.5)))


@effort(max_examples=40, deadline=None)
@drawn(st.text(), st.floats(0, 0.99), st.floats(0, 0.99), st.sampled_from([None, ",", ";"]), st.integers(0, 99))
def test_words_are_never_invented_and_never_all_lost(
    text: str, dropout: float, swap: float, delimiter: str | None, seed: int
) -> None:
    changed = words(text, AugmentSettings(word_dropout=dropout, word_swap=swap), seed=seed, delimiter=delimiter)
    before, after = text.split(delimiter), changed.split(delimiter)

    assert all(after.count(word) <= before.count(word) for word in after)
    assert bool(changed.strip()) == bool(text.strip())


def test_dropout_leaves_out_its_share_of_the_words() -> None:
    left = words(" ".join(map(str, range(1000))), AugmentSettings(word_dropout=0.3)).split()

    assert 650 < len(left) < 750
    assert left == sorted(left, key=int)


@pytest.mark.parametrize("delimiter", [None, ","])
@pytest.mark.parametrize("dropout", [0.3, 0.5, 0.9, ALWAYS])
def test_a_higher_dropout_always_leaves_less_of_short_texts(dropout: float, delimiter: str | None) -> None:
    values = np.array([f"red{delimiter or ' '}mug"] * 4000, object)
    left = texts(values, AugmentSettings(word_dropout=dropout), seeds_of(values), delimiter=delimiter)
    share = sum(len(text.split(delimiter)) for text in left) / 8000

    assert share == pytest.approx((1 + (1 - dropout) ** 2) / 2, abs=0.015)
    assert (left == "red").mean() == pytest.approx((left == "mug").mean(), abs=0.03)


def test_a_text_keeps_its_last_word_and_one_of_which_only_a_dash_would_be_left_is_kept() -> None:
    most = AugmentSettings(word_dropout=ALWAYS)

    assert words("word", most) == "word"
    kept = {words("- word", AugmentSettings(word_dropout=0.5), seed=seed) for seed in range(30)}
    assert kept == {"- word", "word"}


def test_a_swap_changes_places_and_loses_nothing() -> None:
    text = "the quick brown fox jumps over the lazy dog"
    swapped = words(text, AugmentSettings(word_swap=0.5))

    assert swapped != text
    assert sorted(swapped.split()) == sorted(text.split())


def test_tags_are_dropped_and_keep_their_delimiter_and_order() -> None:
    tags = "hot tea;green;mug;large cup"
    found = {
        words(tags, AugmentSettings(word_dropout=0.5, word_swap=0.9), seed=seed, delimiter=";") for seed in range(9)
    }

    order = tags.split(";")
    assert all(one.split(";") == [tag for tag in order if tag in one.split(";")] for one in found)
    assert len(found) > 2


@pytest.mark.parametrize("text", ["", "   ", "two  blanks", "a\nb"])
def test_a_text_in_which_nothing_changes_is_the_very_same(text: str) -> None:
    assert words(text, AugmentSettings(word_dropout=1e-9)) == text


def test_the_order_of_values_is_that_of_the_rows() -> None:
    values: NDArray[Any] = np.array(["a", "b c d e f", "", "g"], object)
    changed = texts(values, AugmentSettings(word_dropout=0.4), seeds_of(values), delimiter=None)

    assert changed[[0, 2, 3]].tolist() == ["a", "", "g"]
    assert set(changed[1].split()) < set("bcdef")
