"""Chains computed by the native code: the same as computed plainly."""

from __future__ import annotations

import logging
import platform
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from model.native import library
from service.cpu import Cpu
from service.runtime.winograd.chain import Chain
from service.runtime.winograd.convolutions import Convolutions, is_supported
from tests.native import needs_native
from tests.service.running import wait_until
from tests.service.winograd.chains import chain, expected, pictures

COMPILER = shutil.which("g++")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no compiler")


@needs_compiler
@pytest.mark.skipif(platform.machine() == "x86_64" and "avx2" not in Cpu.found().flags, reason="the CPU has no AVX2")
def test_where_there_is_a_compiler_the_native_code_is_built() -> None:
    assert is_supported()


def relative_error(of: Chain, count: int, *, threads: int = 2) -> float:
    given = pictures(count, of)
    right = expected(of, given)
    found = Convolutions(of, threads=threads)(given)
    assert found.shape == right.shape == (count, *of.shape)
    return float(np.abs(found - right).max() / np.abs(right).max())


@needs_native
@pytest.mark.parametrize("is_pooled", [False, True])
@pytest.mark.parametrize("size", [3, 5, 7])
def test_every_size_of_kernels(size: int, is_pooled: bool) -> None:
    assert relative_error(chain(24, 24, (16, size), (32, size), is_pooled=is_pooled), 2) < 1e-5


@needs_native
@pytest.mark.parametrize("shape", [(8, 8), (1, 30), (30, 2), (33, 47), (9, 5)])
def test_pictures_that_are_no_multiple_of_a_tile(shape: tuple[int, int]) -> None:
    assert relative_error(chain(*shape, (8, 3), (16, 5), (8, 7), (8, 3)), 1) < 1e-5


@needs_native
@pytest.mark.parametrize("filters", [1, 7, 8, 20, 24, 40])
def test_numbers_of_filters_that_are_no_multiple_of_what_is_computed_at_once(filters: int) -> None:
    assert relative_error(chain(13, 12, (filters, 5), (filters, 5), (filters, 3), is_pooled=True), 1) < 1e-5


@needs_native
@pytest.mark.parametrize("channels", [1, 4])
def test_pictures_of_other_channels_than_three(channels: int) -> None:
    assert relative_error(chain(12, 12, (8, 1), (8, 3), channels=channels), 1) < 1e-5


@needs_native
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 9])
def test_every_picture_is_computed_as_if_alone(count: int) -> None:
    of = chain(16, 16, (8, 3), (16, 5), is_pooled=True)
    given, compute = pictures(count, of), Convolutions(of, threads=2)
    together = compute(given)

    assert len(together) == count
    for one, alone in zip(given, together, strict=True):
        np.testing.assert_array_equal(compute(one[np.newaxis])[0], alone)


@needs_native
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    of = chain(20, 20, (8, 5), (16, 5), (8, 3))
    given = pictures(3, of)

    np.testing.assert_array_equal(Convolutions(of, threads=threads)(given), Convolutions(of, threads=1)(given))


@needs_native
def test_only_what_is_rectified_is() -> None:
    of = chain(9, 9, (8, 3), (8, 3))
    first, last = of.convolutions
    given, rectified = pictures(1, of), replace(of, convolutions=(first, replace(last, is_rectified=True)))
    plain = Convolutions(of, threads=1)(given)

    assert (plain < 0).any()
    np.testing.assert_array_equal(Convolutions(rectified, threads=1)(given), np.maximum(plain, 0))


@needs_native
def test_from_many_threads_at_once() -> None:
    of = chain(16, 16, (8, 3), (16, 5), is_pooled=True)
    compute, given = Convolutions(of, threads=2), pictures(3, of)
    right = compute(given)

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: compute(given), range(40)):
            np.testing.assert_array_equal(found, right)


def threads_of_this_process() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def threads_at_rest() -> int:
    """Once those of earlier tests are gone."""
    time.sleep(0.2)
    return threads_of_this_process()


@needs_native
def test_native_threads_end_with_the_thread_that_called() -> None:
    of = chain(8, 8, (8, 3), (8, 3))
    compute = Convolutions(of, threads=4)
    before = threads_at_rest()
    seen = []

    def call() -> None:
        compute(pictures(1, of))
        seen.append(threads_of_this_process())

    for _ in range(3):
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()

    assert max(seen) >= before + 4  # the thread and three of its own
    wait_until(lambda: threads_of_this_process() == before)


@needs_native
def test_native_threads_end_with_the_chain_though_the_thread_lives_on() -> None:
    of = chain(8, 8, (8, 3), (8, 3))
    compute = Convolutions(of, threads=4)
    before = threads_at_rest()
    compute(pictures(1, of))
    assert threads_of_this_process() == before + 3

    del compute
    wait_until(lambda: threads_of_this_process() == before)


@needs_native
def test_other_pictures_than_the_chain_takes_are_refused() -> None:
    of = chain(8, 8, (8, 3), (8, 3))
    compute, given = Convolutions(of, threads=1), pictures(2, of)

    for wrong in (given[:, :7], given.astype(np.float32), given[..., ::-1]):
        with pytest.raises(ValueError, match=r"takes contiguous uint8 \(n, 8, 8, 3\)"):
            compute(wrong)  # type: ignore[arg-type]


@needs_native
@pytest.mark.parametrize(
    ("of", "refusal"),
    [
        (chain(8, 8, (8, 2), (8, 3)), r"Convolution 0 has kernels of 2x2; expected one of \(3, 5, 7\)"),
        (chain(8, 8, (8, 1), (8, 1)), "Convolution 1 has kernels of 1x1"),
        (chain(8, 8, (8, 3), (8, 9)), "Convolution 1 has kernels of 9x9"),
        (chain(8, 1, (8, 3), (8, 3), is_pooled=True), "Nothing is left of 8x1 pixels for convolution 1"),
    ],
)
def test_a_chain_that_cannot_be_computed_is_refused(of: Chain, refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        Convolutions(of, threads=1)


@pytest.fixture
def another_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path | None], None]]:
    """Has another file than the one that was built be opened."""

    def put(file: Path | None) -> None:
        found = None if file is None else SimpleNamespace(origin=str(file))
        monkeypatch.setattr(library, "find_spec", lambda name: found)
        library._found.cache_clear()

    yield put
    monkeypatch.undo()
    library._found.cache_clear()


def test_without_native_code_there_is_none(
    another_library: Callable[[Path | None], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bifocal")
    another_library(None)

    assert not is_supported()
    assert "not offered: its native code is missing (it is built when Bifocal is installed" in caplog.text


@needs_compiler
@pytest.mark.parametrize(
    ("source", "told"),
    [
        (None, "file too short"),
        ("int something_else;", "undefined symbol: bifocal_interface"),
        (
            'extern "C" int bifocal_interface() { return 999; }',
            "its native code was built from other sources (999, not ",
        ),
    ],
)
def test_native_code_that_cannot_be_used_is_done_without(
    source: str | None,
    told: str,
    tmp_path: Path,
    another_library: Callable[[Path | None], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    library = tmp_path / "native.so"
    library.touch()
    if source:
        (tmp_path / "other.cpp").write_text(source)
        subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", library, tmp_path / "other.cpp"], check=True)
    another_library(library)

    assert not is_supported()
    assert told in caplog.text
