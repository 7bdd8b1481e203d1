"""What becomes of new, broken, unfinished, changed and vanished versions while the service runs."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from model.bundle import Bundle
from model.errors import BundleError
from service.store import Store
from service.store.fingerprint import fingerprint
from service.store.poller import Poller
from tests.service.answerer import Answerer, answer_of, loaded_store, reason_of, states_of
from tests.service.running import wait_until
from tests.service.stand_in import write_bundle


@pytest.fixture
def store(models: Path) -> Iterator[Store[Answerer]]:
    """A loaded store of version 1 of `colours`."""
    write_bundle(models, version=1)
    store = loaded_store(models)
    yield store
    store.close()


def test_a_new_version_is_swapped_in_and_the_one_before_it_kept(models: Path, store: Store[Answerer]) -> None:
    write_bundle(models, version=2)
    store.look()

    assert states_of(store) == {1: "loaded", 2: "ready"}
    assert answer_of(store) == 2
    assert answer_of(store, version=1) == 1


def test_versions_over_the_number_to_keep_are_put_away(models: Path, store: Store[Answerer]) -> None:
    with store.lease(None, None) as served:
        first = served.engine
    for version in (2, 3):
        write_bundle(models, version=version)
        store.look()

    assert states_of(store) == {1: "not_loaded", 2: "loaded", 3: "ready"}
    wait_until(lambda: first.is_closed)


def test_of_several_new_versions_only_the_newest_is_loaded(models: Path, store: Store[Answerer]) -> None:
    for version in (2, 10, 3):
        write_bundle(models, version=version)
    store.look()

    assert states_of(store) == {1: "loaded", 2: "not_loaded", 3: "not_loaded", 10: "ready"}


def test_a_broken_new_version_leaves_the_old_one_and_is_told_once(
    models: Path, store: Store[Answerer], caplog: pytest.LogCaptureFixture
) -> None:
    write_bundle(models, version=2, offset=0.5)
    with caplog.at_level(logging.ERROR, "bifocal"):
        for _ in range(3):
            store.look()

    assert answer_of(store) == 1
    assert states_of(store) == {1: "ready", 2: "refused"}
    assert "disagrees with its own golden examples: probabilities differ by 0.5" in str(reason_of(store, 2))
    assert caplog.messages == [f"model colours version 2 is refused: {reason_of(store, 2)}"]


def test_a_refused_version_is_tried_again_when_its_files_change_and_not_before(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[str] = []

    def open_engine(bundle: Bundle) -> Answerer:
        tried.append(bundle.path.name)
        return Answerer(bundle)

    write_bundle(models, version=1)
    store = loaded_store(models, open_engine)
    directory = write_bundle(models, version=2, offset=0.5)
    for _ in range(3):
        store.look()
    assert tried == ["1", "2"]

    shutil.rmtree(directory)
    write_bundle(models, version=2)
    store.look()

    assert tried == ["1", "2", "2"]
    assert states_of(store) == {1: "loaded", 2: "ready"}


def test_a_version_that_is_being_copied_is_not_refused(
    models: Path, store: Store[Answerer], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = write_bundle(tmp_path / "elsewhere", version=2)
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    target = models / "colours" / "2"
    for file in files:
        assert answer_of(store) == 1
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        (target / file).write_bytes((whole / file).read_bytes()[:-5])
        store.look()
        assert states_of(store)[2] == "not_loaded"
        assert reason_of(store, 2) == "Its files are not complete; they are looked at again in a moment."
        (target / file).write_bytes((whole / file).read_bytes())
    store.look()

    assert answer_of(store) == 2
    assert "refused" not in caplog.text


def test_a_copy_that_stopped_is_refused_at_the_second_look_and_tried_when_it_goes_on(
    models: Path, store: Store[Answerer], caplog: pytest.LogCaptureFixture
) -> None:
    directory = write_bundle(models, version=2)
    graph = directory / "saved_model.pb"
    graph.unlink()
    store.look()
    assert states_of(store)[2] == "not_loaded"
    for _ in range(3):
        store.look()
    assert states_of(store)[2] == "refused"
    assert caplog.text.count("is damaged: missing or changed since it was written: saved_model.pb") == 1

    graph.write_bytes(b"no network")
    store.look()
    assert answer_of(store) == 2


def test_a_directory_that_is_to_be_renamed_is_not_looked_at(models: Path, store: Store[Answerer]) -> None:
    incoming = write_bundle(models, version=2).rename(models / "colours" / ".incoming-2")
    store.look()
    assert states_of(store) == {1: "ready"}

    incoming.rename(models / "colours" / "2")
    store.look()
    assert answer_of(store) == 2


def test_a_new_model_answers_and_is_not_meant_by_requests_without_a_name_before_it_does(
    models: Path, store: Store[Answerer]
) -> None:
    broken = write_bundle(models, "mugs", 1, offset=0.5)
    store.look()
    assert states_of(store, "mugs") == {1: "refused"}
    assert answer_of(store, None) == 1

    shutil.rmtree(broken)
    write_bundle(models, "mugs", 4)
    store.look()
    assert answer_of(store, "mugs") == 4
    with pytest.raises(Exception, match="There are several models; say which"):
        answer_of(store, None)


def test_a_version_that_vanishes_goes_on_answering_and_says_so(
    models: Path, store: Store[Answerer], caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(models / "colours")
    for _ in range(2):
        store.look()

    assert answer_of(store) == 1
    assert states_of(store) == {1: "ready"}
    assert str(reason_of(store, 1)).startswith("Its directory is gone; it answers from memory")
    assert caplog.text.count("Its directory is gone") == 1


def test_a_kept_version_that_vanishes_is_put_away(models: Path, store: Store[Answerer]) -> None:
    with store.lease(None, None) as served:
        first = served.engine
    write_bundle(models, version=2)
    store.look()
    shutil.rmtree(models / "colours" / "1")
    store.look()

    assert states_of(store) == {2: "ready"}
    wait_until(lambda: first.is_closed)


def test_a_model_that_never_answered_and_vanishes_is_forgotten(models: Path, store: Store[Answerer]) -> None:
    broken = write_bundle(models, "mugs", 1, offset=0.5)
    store.look()
    assert store.names() == ["colours", "mugs"]

    shutil.rmtree(broken)
    store.look()
    assert store.names() == ["colours"]
    assert store.states("mugs") == []


def test_a_loaded_version_whose_files_change_is_not_loaded_anew(
    models: Path, store: Store[Answerer], caplog: pytest.LogCaptureFixture
) -> None:
    with store.lease(None, None) as served:
        before = served.engine
    graph = models / "colours" / "1" / "saved_model.pb"
    graph.write_bytes(b"another network")
    for _ in range(2):
        store.look()

    with store.lease(None, None) as served:
        assert served.engine is before
    assert str(reason_of(store, 1)).endswith("Publish changes as a new version.")
    assert caplog.text.count("Its files were written to after it was loaded") == 1


def test_a_models_folder_that_is_gone_for_a_moment_changes_nothing(
    models: Path, store: Store[Answerer], caplog: pytest.LogCaptureFixture
) -> None:
    write_bundle(models, version=2)
    store.look()
    away = models.rename(models.with_name("away"))
    for _ in range(2):
        store.look()
    assert states_of(store) == {1: "loaded", 2: "ready"}
    assert caplog.messages == ["the models folder can't be read (No such file or directory); what is loaded stays"]

    away.rename(models)
    write_bundle(models, version=3)
    store.look()
    assert answer_of(store) == 3


def test_requests_and_rollbacks_do_not_wait_for_a_load(models: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def open_engine(bundle: Bundle) -> Answerer:
        if bundle.path.name == "3":
            begun.set()
            assert may_end.wait(30)
        return Answerer(bundle)

    for version in (1, 2):
        write_bundle(models, version=version)
    store = loaded_store(models, open_engine)
    store.activate("colours", 1)
    store.activate("colours", None)
    write_bundle(models, version=3)
    looking = threading.Thread(target=store.look)
    looking.start()
    assert begun.wait(30)

    assert states_of(store) == {1: "loaded", 2: "ready", 3: "loading"}
    assert answer_of(store) == 2
    assert store.activate("colours", 1).version == 1
    assert answer_of(store) == 1
    may_end.set()
    looking.join()

    assert states_of(store) == {1: "ready", 2: "loaded", 3: "not_loaded"}  # the rollback was the last word
    store.close()


def test_closing_waits_for_a_load_and_lets_go_of_what_it_loaded(models: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()
    opened: list[Answerer] = []

    def open_engine(bundle: Bundle) -> Answerer:
        if bundle.path.name == "2":
            begun.set()
            assert may_end.wait(30)
        opened.append(Answerer(bundle))
        return opened[-1]

    write_bundle(models, version=1)
    store = loaded_store(models, open_engine)
    write_bundle(models, version=2)
    store.start_watching(0.01)
    assert begun.wait(30)
    closing = threading.Thread(target=store.close)
    closing.start()
    wait_until(lambda: opened[0].is_closed)
    assert closing.is_alive()
    may_end.set()
    closing.join()

    assert [engine.is_closed for engine in opened] == [True, True]


def test_nothing_is_loaded_while_the_service_drains(models: Path, store: Store[Answerer]) -> None:
    write_bundle(models, version=2)
    store.is_draining = True
    store.look()

    assert states_of(store) == {1: "ready"}


def test_the_folder_is_looked_at_again_and_again(models: Path, store: Store[Answerer]) -> None:
    before = set(threading.enumerate())
    store.start_watching(0.01)
    for version in (2, 3):
        write_bundle(models.parent / "elsewhere", version=version).rename(models / "colours" / str(version))
        wait_until(lambda version=version: answer_of(store) == version)
    store.close()

    assert "watch-models" not in {thread.name for thread in set(threading.enumerate()) - before}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a niceness for each thread")
def test_threads_that_load_give_way_to_the_event_loop(models: Path) -> None:
    niceness: dict[str, int] = {}

    def open_engine(bundle: Bundle) -> Answerer:
        niceness[bundle.path.name] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        return Answerer(bundle)

    for version in (1, 2):
        write_bundle(models, version=version)
    store = loaded_store(models, open_engine)
    store.activate("colours", 1)
    store.activate("colours", None)
    store.start_watching(0.01)
    write_bundle(models.parent / "elsewhere", version=3).rename(models / "colours" / "3")
    wait_until(lambda: answer_of(store) == 3)
    store.close()

    assert niceness["1"] == niceness["3"] == niceness["2"] + 5


def test_an_error_ends_no_polling_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise BundleError("nobody thought of it")

    poller = Poller(fail, 0.001, name="watch-models")
    wait_until(lambda: len(calls) >= 5)
    poller.stop()

    assert caplog.messages == ["watch-models: an unexpected error; it is tried again"]


def test_a_fingerprint_changes_with_names_sizes_and_times_of_files(tmp_path: Path) -> None:
    directory = tmp_path / "1"
    (directory / "variables").mkdir(parents=True)
    seen = [fingerprint(directory)]
    file = directory / "variables" / "a"
    for change in (
        lambda: file.write_bytes(b"abc"),
        lambda: file.write_bytes(b"abcd"),
        lambda: os.utime(file, ns=(1, 2)),
        lambda: (file.write_bytes(b"abcde"), os.utime(file, ns=(1, 2))),
        lambda: file.rename(directory / "b"),
        lambda: (directory / "b").unlink(),
    ):
        change()
        seen.append(fingerprint(directory))
        assert seen[-1] == fingerprint(directory)

    assert len({*seen[:6]}) == 6
    assert seen[6] == seen[0]
    with pytest.raises(FileNotFoundError):
        fingerprint(tmp_path / "2")
