"""The cache when something goes wrong: killed, shared, damaged, full; pictures that end their decoder."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model import images
from model.errors import StorageError
from model.spec import ImageInput
from tests.training.test_cache import IMAGE, all_of, cached, picture, pixels_file
from training.cache import Decoded, Progress, decoded
from training.cache.crew import TOLD_AT_ONCE, Crew
from training.cache.picture import Decoding

ROOT = Path(__file__).parents[2]
RECORD = 8 * 10 * 3


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [picture(tmp_path, f"{shade:03}.png", shade) for shade in range(1, 41)]


def run(
    paths: list[Path],
    folder: Path,
    *,
    processes: int | None = 0,
    progress: Progress = lambda *_: None,
    say: Callable[[str], None] = lambda _: None,
) -> Decoded:
    options = {"directory": folder / "cache", "max_pixels": 1000, "progress": progress, "say": say}
    return decoded(paths, IMAGE, **options, processes=processes)


def program(body: str, folder: Path, image: ImageInput = IMAGE) -> subprocess.Popen[str]:
    """Another process with a function `run` that decodes the pictures of a folder."""
    code = f"""
import os, resource, signal, time
from pathlib import Path
from model.spec import ImageInput
from training.cache import decoded, fill
fill.COMMIT_S = 0.0
folder = Path({str(folder)!r})
def run(progress):
    decoded(sorted(folder.glob("*.png")), {image!r}, directory=folder / "cache", max_pixels=1000, progress=progress)
{body}"""
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, text=True, stderr=subprocess.PIPE)


def test_a_decoding_that_is_broken_off_goes_on_from_what_is_finished(tmp_path: Path, paths: list[Path]) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(paths, tmp_path, progress=interrupt)
    seen: list[tuple[int, int]] = []

    assert all_of(cached(paths, tmp_path / "cache", seen)) == list(range(1, 41))
    assert seen[-1] == (25, 25)


def test_a_decoding_that_is_killed_goes_on_from_what_is_finished(tmp_path: Path, paths: list[Path]) -> None:
    kill = "run(lambda done, total: os.kill(os.getpid(), signal.SIGKILL) if done == 15 else None)"
    killed = program(kill, tmp_path)
    assert (killed.communicate()[1], killed.returncode) == ("", -9)
    with pixels_file(tmp_path / "cache").open("ab") as stream:
        stream.write(b"half a picture")
    seen: list[tuple[int, int]] = []

    assert all_of(cached(paths, tmp_path / "cache", seen)) == list(range(1, 41))
    assert seen[-1] == (25, 25)


def test_two_runs_at_once_decode_each_picture_once(tmp_path: Path, paths: list[Path]) -> None:
    together = """
(folder / f"{os.getpid()}.ready").touch()
while len(list(folder.glob("*.ready"))) < 2:
    time.sleep(0.01)
run(lambda done, total: (folder / f"{os.getpid()}-{done}.done").touch() or time.sleep(0.01))"""
    both = [program(together, tmp_path) for _ in range(2)]
    assert [one.communicate()[1] for one in both] == ["", ""]

    assert len(list(tmp_path.glob("*.done"))) == 40
    assert pixels_file(tmp_path / "cache").stat().st_size == 40 * RECORD
    seen: list[tuple[int, int]] = []
    assert all_of(cached(paths, tmp_path / "cache", seen)) == list(range(1, 41))
    assert seen == []


def test_who_has_to_wait_for_another_run_is_told(tmp_path: Path, paths: list[Path]) -> None:
    cached(paths[:1], tmp_path / "cache")
    said: list[str] = []
    options = {"directory": tmp_path / "cache", "max_pixels": 1000, "progress": lambda *_: None}
    with next(tmp_path.glob("cache/*/lock")).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threading.Timer(0.1, fcntl.flock, (lock, fcntl.LOCK_UN)).start()
        column = decoded(paths, IMAGE, **options, say=said.append)

    assert len(said) == 1
    assert "Another run is decoding" in said[0]
    assert all_of(column) == list(range(1, 41))


def test_a_damaged_picture_is_noticed_and_mended(tmp_path: Path, paths: list[Path]) -> None:
    column = cached(paths, tmp_path / "cache")
    file = pixels_file(tmp_path / "cache")
    whole = file.read_bytes()
    file.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])

    assert all_of(column) == list(range(1, 41))
    assert file.read_bytes() == whole


def test_a_damaged_picture_whose_file_is_gone_is_an_error_and_not_a_black_one(tmp_path: Path) -> None:
    path = picture(tmp_path, "a.png", 10)
    column = cached([path], tmp_path / "cache")
    pixels_file(tmp_path / "cache").write_bytes(bytes(RECORD))
    path.unlink()

    with pytest.raises(StorageError, match=r"is damaged, and its file .*a\.png is not what it was .*there is no such"):
        column.take(np.arange(1))


@pytest.mark.parametrize("size", [0, 20 * RECORD + 1])
def test_a_shard_that_was_cut_off_is_filled_again(tmp_path: Path, paths: list[Path], size: int) -> None:
    cached(paths, tmp_path / "cache")
    file = pixels_file(tmp_path / "cache")
    file.write_bytes(file.read_bytes()[:size])
    seen: list[tuple[int, int]] = []

    cached(paths, tmp_path / "cache", seen)
    assert len(seen) == 40 - size // RECORD
    again = cached(paths, tmp_path / "cache")
    for path in paths:
        path.unlink()
    assert all_of(again) == list(range(1, 41))


@pytest.mark.parametrize("name", ["files.sqlite", "*/index.sqlite"])
@pytest.mark.parametrize("damage", [b"nonsense" * 512, b""])
def test_a_damaged_database_is_made_anew(tmp_path: Path, paths: list[Path], name: str, damage: bytes) -> None:
    cached(paths, tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob(name)
    file.write_bytes(damage or file.read_bytes()[:5000])

    for _ in range(2):
        assert all_of(cached(paths, tmp_path / "cache")) == list(range(1, 41))


@pytest.mark.parametrize("most", [20 * 64 * 64 * 3, 9000])  # half of the pixels; not even a database
def test_a_disk_that_fills_up_is_told_and_what_was_done_stays(tmp_path: Path, paths: list[Path], most: int) -> None:
    image = ImageInput(height=64, width=64, fit="stretch")
    full = program(
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\nrun(lambda *_: None)", tmp_path, image
    )
    told = full.communicate()[1].splitlines()[-1]
    assert "StorageError: The cache folder" in told
    assert "of 40 pictures are decoded and kept; the others need up to" in told

    seen: list[tuple[int, int]] = []
    assert all_of(cached(paths, tmp_path / "cache", seen, image)) == list(range(1, 41))
    assert len(seen) == (20 if most > 9000 else 40)


DEADLY = """
import os, signal, time
from model import images
decode = images.decode
def deadly(data, **options):
    for word, deed in {
        b"SEGV": lambda: os.kill(os.getpid(), signal.SIGSEGV),
        b"EXIT": lambda: os._exit(3),
        b"HANG": lambda: time.sleep(60),
        b"LAST": lambda: (open(LAST, "w"), os._exit(4)),
    }.items():
        if data.endswith(word):
            deed()
    return decode(data, **options)
images.decode = deadly
LAST = os.path.join(os.path.dirname(__file__), "last")
if os.path.exists(LAST):
    os._exit(5)
"""


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """From now on decoders that are started end or hang on a file that ends with such a word; after LAST none starts."""
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch" / "sitecustomize.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(tmp_path / "patch")
    return tmp_path


def add(path: Path, word: bytes) -> Path:
    path.write_bytes(path.read_bytes() + word)
    return path


def test_a_picture_that_ends_its_decoder_is_a_bad_row_and_the_rest_is_decoded(deadly: Path, paths: list[Path]) -> None:
    add(paths[3], b"SEGV")
    add(paths[20], b"EXIT")

    for _ in range(2):  # the second time from the index
        column = run(paths, deadly, processes=2)
        assert {row: reason[: reason.index(":")] for row, reason in column.bad.items()} == {3: "004.png", 20: "021.png"}
        assert "ended the decoder's process (SIGSEGV)" in column.bad[3]
        assert "(exit code 3)" in column.bad[20]
        assert all_of(column) == [0 if row in (3, 20) else row + 1 for row in range(40)]


@pytest.mark.slow
def test_a_picture_that_takes_for_ever_is_given_up_and_tried_again_out_of_process(
    deadly: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Crew, "patience_s", 1.0)
    add(paths[5], b"HANG")

    for processes in (1, None):  # None is too few pictures for processes, but this one is a suspect
        column = run(paths, deadly, processes=processes)
        assert list(column.bad) == [5]
        assert "006.png: decoding it was broken off after 1 s" in column.bad[5]
        assert all_of(column)[6] == 7
        monkeypatch.setattr(images, "decode", lambda *_, **__: pytest.fail("decoded in this process"))


def test_where_no_process_can_be_started_threads_decode_and_that_is_told(
    tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    said: list[str] = []

    assert all_of(run(paths, tmp_path, processes=2, say=said.append)) == list(range(1, 41))
    (told,) = said
    assert told.startswith(
        "No process for decoding can be started (/bin/false -m training.cache.worker does not start)"
    )


def test_where_none_can_be_started_again_no_file_that_may_be_deadly_is_decoded_here(
    deadly: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(paths[3], b"LAST")
    decode = images.decode
    here = lambda data, **options: pytest.fail("here") if data.endswith(b"LAST") else decode(data, **options)  # noqa: E731
    monkeypatch.setattr(images, "decode", here)
    said: list[str] = []

    column = run(paths, deadly, processes=1, say=said.append)
    assert "004.png: decoding it or a file beside it ended the decoder's process, and there is no" in column.bad[3]
    assert set(column.bad) <= set(range(2 * TOLD_AT_ONCE))
    assert (len(said), all_of(column)[-1]) == (1, 40)

    (deadly / "patch" / "last").unlink()
    (deadly / "patch" / "sitecustomize.py").write_text(DEADLY.replace('open(LAST, "w"), ', ""))
    column = run(paths, deadly)
    assert list(column.bad) == [3]
    assert "ended the decoder's process (exit code 4)" in column.bad[3]


def test_where_one_can_not_be_started_again_the_others_go_on(deadly: Path, paths: list[Path]) -> None:
    add(paths[39], b"LAST")
    said: list[str] = []

    column = run(paths, deadly, processes=2, say=said.append)
    assert list(column.bad) == [39]
    assert "040.png: decoding it ended the decoder's process (exit code 4)" in column.bad[39]
    assert said == []


def test_few_pictures_are_decoded_out_of_process_after_a_run_that_was_broken_off(
    deadly: Path, paths: list[Path]
) -> None:
    add(paths[3], b"SEGV")
    patch = deadly / "patch" / "sitecustomize.py"
    crashed = program(
        f"exec(compile({patch.read_text()!r}, {str(patch)!r}, 'exec'), {{'__file__': {str(patch)!r}}})\nrun(lambda *_: None)",
        deadly,
    )
    crashed.communicate()
    assert crashed.returncode == -signal.SIGSEGV

    column = run(paths, deadly, processes=None)
    assert list(column.bad) == [3]
    assert "ended the decoder's process (SIGSEGV)" in column.bad[3]
    assert not list(deadly.glob("cache/*/unfinished"))


def test_decoders_run_nothing_of_the_folder_where_the_user_stands(
    tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.py").write_text("open('has-run', 'w')\nraise SystemExit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(ROOT), *filter(None, sys.path)])
    said: list[str] = []

    assert all_of(run(paths, tmp_path, processes=1, say=said.append)) == list(range(1, 41))
    assert (said, (tmp_path / "has-run").exists()) == ([], False)


def test_a_decoding_process_imports_neither_tensorflow_nor_the_main_module() -> None:
    script = "import sys, training.cache.worker; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, check=True)

    assert {"tensorflow", "polars", "pydantic", "sklearn"}.isdisjoint(loaded.stdout.split())


def test_processes_end_with_the_work(paths: list[Path]) -> None:
    crew = Crew(1, Decoding(8, 10, "stretch", 1000), b"").pictures(enumerate(map(str, paths)))
    next(crew)
    children = Path("/proc/self/task")
    crew.close()

    for thread in children.iterdir():
        pids = (thread / "children").read_text().split()
        assert not any(b"cache.worker" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)
