"""The native code keeps to its memory: built to watch every access, and run on odd shapes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[2] / "model" / "native" / "src" / "native.cpp"
COMPILER = shutil.which("g++") or "g++"
SANITIZERS = ("libasan.so", "libubsan.so")
RUN = """
import sys
from types import SimpleNamespace
import numpy as np
from model.native import library
from model.winograd.convolver import Convolver
from service.runtime.winograd import convolutions
from tests.service.winograd.chains import chain, pictures

library.find_spec = lambda name: SimpleNamespace(origin=sys.argv[1])
for height, width in ((1, 1), (1, 30), (3, 2), (9, 5), (33, 47)):
    for size in (3, 5, 7):
        for is_pooled in (False, True):
            layers = ((1, size), (20, size), (8, size))[: 3 if height > 8 else 2 if not is_pooled else 1]
            of = chain(height, width, *layers, is_pooled=is_pooled and min(height, width) > 1)
            for threads in (1, 3):
                assert np.isfinite(convolutions.Convolutions(of, threads=threads)(pictures(5, of))).all()
for height, width in ((1, 1), (1, 30), (9, 5), (20, 23)):
    for size in (3, 5, 7):
        for channels, filters in ((3, 8), (1, 32), (8, 24), (24, 8), (32, 40)):
            for number, threads in ((0, 1), (3, 1), (3, 3)):
                features = np.ones([number, height, width, channels], np.float32)
                kernels = np.ones([size, size, channels, filters], np.float32)
                convolver = Convolver(threads)
                gradient = convolver.convolve(features, kernels)
                assert np.isfinite(gradient).all()
                assert np.isfinite(convolver.kernel_gradient(features, gradient, size)).all()
                if channels % 8 == 0:
                    assert convolver.convolve(gradient, kernels, transposed=True).shape == features.shape
print("kept to its memory")
"""


def sanitizers() -> list[str]:
    """Their libraries, if the compiler has them."""
    if not shutil.which(COMPILER):
        return []
    asked = ([COMPILER, f"-print-file-name={name}"] for name in SANITIZERS)
    found = [subprocess.run(one, capture_output=True, text=True, check=True).stdout.strip() for one in asked]
    return found if all(Path(one).is_absolute() for one in found) else []


@pytest.mark.slow
@pytest.mark.skipif(not sanitizers(), reason="there is no g++ with sanitizers")
def test_no_access_is_outside(tmp_path: Path) -> None:
    library = tmp_path / "watched.so"
    flags = ["-std=c++20", "-O1", "-g", "-fPIC", "-shared", "-Wno-psabi", "-Wall", "-Wextra", "-Werror"]
    watch = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    subprocess.run([COMPILER, *flags, *watch, "-o", str(library), str(NATIVE)], check=True)

    environment = {**os.environ, "LD_PRELOAD": " ".join(sanitizers()), "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(library)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=NATIVE.parents[3],
        check=False,
    )
    assert done.stdout.endswith("kept to its memory\n"), done.stderr[-3000:]
