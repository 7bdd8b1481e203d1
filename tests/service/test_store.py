"""The models that are served: the newest good version of each, held by the requests that use it."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from model.bundle import Bundle
from model.errors import BundleError, NotFoundError, NotReadyError, RequestError
from model.images import DECODE_VERSION
from service.store import Store, find
from tests.service.answerer import Answerer, answer_of, loaded_store, reason_of, states_of, store_of
from tests.service.running import wait_until
from tests.service.stand_in import write_bundle


def damage(bundle: Path) -> None:
    (bundle / "saved_model.pb").write_bytes(b"other bytes")


def test_models_are_found_with_their_versions_oldest_first(models: Path) -> None:
    for version in (10, 9, 2):
        write_bundle(models, "mugs", version)
    (models / "mugs" / ".incoming-x").mkdir()
    write_bundle(models, ".state", 1)
    (models / "notes").mkdir()
    (models / "README.txt").touch()

    assert find(models) == {"mugs": [2, 9, 10]}


@pytest.mark.parametrize("folder", ["models", "models/nothing"])
def test_a_folder_without_models_is_an_error_that_says_what_to_do(folder: str, models: Path) -> None:
    directory = models.parent / folder
    with pytest.raises(BundleError, match=f"^There is no model in {directory}: expected .*'bifocal-training fit'"):
        find(directory)


def test_the_newest_version_is_served_and_no_other_is_loaded(models: Path) -> None:
    write_bundle(models, version=9)
    write_bundle(models, version=10)
    opened: list[str] = []

    def open_engine(bundle: Bundle) -> Answerer:
        opened.append(bundle.path.name)
        return Answerer(bundle)

    store = loaded_store(models, open_engine)

    assert answer_of(store) == answer_of(store, None) == answer_of(store, version=10) == 10
    assert opened == ["10"]
    assert states_of(store) == {9: "not_loaded", 10: "ready"}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"format_version": 99}, "has format 99; this build reads up to 4"),
        ({"decode_version": DECODE_VERSION + 1}, "was trained on pictures decoded by version 2"),
        ({"offset": 0.01}, "disagrees with its own golden examples: probabilities differ by 0.01"),
        ({}, "is damaged: missing or changed since it was written: saved_model.pb"),
    ],
    ids=["newer format", "other decoding", "golden examples", "damaged file"],
)
def test_a_refused_version_gives_way_to_the_one_before_it(
    fault: dict[str, Any], reason: str, models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_bundle(models, version=3)
    refused = write_bundle(models, version=4, **fault)
    if not fault:
        damage(refused)

    with caplog.at_level(logging.ERROR, "bifocal"):
        store = loaded_store(models)

    assert answer_of(store) == 3
    assert states_of(store) == {3: "ready", 4: "refused"}
    assert reason in str(reason_of(store, 4))
    assert caplog.messages == [f"model colours version 4 is refused: {reason_of(store, 4)}"]


def test_a_folder_that_is_no_bundle_is_refused(models: Path) -> None:
    write_bundle(models, version=1)
    (models / "colours" / "2").mkdir()
    store = loaded_store(models)

    assert answer_of(store) == 1
    assert reason_of(store, 2) == (
        "2 is not a bundle: assets.extra/bifocal.json can't be read (No such file or directory)."
    )


def test_an_error_nobody_thought_of_refuses_one_version_and_not_the_service(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def open_engine(bundle: Bundle) -> Answerer:
        if bundle.path.name == "2":
            raise TypeError("expected a tensor named 'photo'")
        return Answerer(bundle)

    write_bundle(models, version=1)
    write_bundle(models, version=2)
    store = loaded_store(models, open_engine)

    assert answer_of(store) == 1
    assert reason_of(store, 2) == "It could not be loaded; the log says why."
    assert "tensor named 'photo'" in caplog.text


def test_a_reason_tells_no_path_of_the_machine(models: Path) -> None:
    def open_engine(bundle: Bundle) -> Answerer:
        if bundle.path.name == "2":
            raise BundleError(f"TensorFlow can't load 2: no file {bundle.path.resolve()}/saved_model.pb")
        return Answerer(bundle)

    write_bundle(models, version=1)
    write_bundle(models, version=2)
    store = loaded_store(models, open_engine)

    assert reason_of(store, 2) == "TensorFlow can't load 2: no file colours/2/saved_model.pb"


def test_one_model_that_cannot_be_served_leaves_the_others_alone(models: Path) -> None:
    write_bundle(models, "mugs")
    damage(write_bundle(models, "cups"))
    store = loaded_store(models)

    assert store.names() == ["cups", "mugs"]
    assert store.served("cups") is None
    assert answer_of(store, "mugs") == 1
    with pytest.raises(RequestError, match="There are several models"):
        answer_of(store, None)
    with pytest.raises(NotFoundError, match=r"^No model 'cups' is served\. Valid: mugs\."):
        answer_of(store, "cups")


def test_no_model_that_can_be_served_is_an_error(models: Path) -> None:
    for name in ("cups", "mugs"):
        damage(write_bundle(models, name))
    store = store_of(models)

    with pytest.raises(BundleError, match=f"^None of the models in {models} can be served: cups, mugs"):
        store.load()
    assert not store.is_loaded


def test_before_loading_and_after_closing_nothing_is_served(models: Path) -> None:
    write_bundle(models)
    store = store_of(models)

    with pytest.raises(NotReadyError, match="still being loaded; ask again"):
        answer_of(store)
    assert store.names() == []
    store.load()
    assert answer_of(store) == 1
    store.close()
    store.close()
    with pytest.raises(NotReadyError, match="being put away; ask again"):
        answer_of(store)


def test_of_several_models_a_request_must_say_which(models: Path) -> None:
    write_bundle(models, "mugs")
    write_bundle(models, "cups")
    store = loaded_store(models)

    with pytest.raises(RequestError, match=r"^There are several models; say which: \?model=NAME\. Valid: cups, mugs\."):
        answer_of(store, None)
    with store.lease("cups", None) as served:
        assert served.name == "cups"


def test_a_wrong_name_is_told_the_nearest_and_a_wrong_version_the_right_ones(models: Path) -> None:
    write_bundle(models, "mugs", 2)
    store = loaded_store(models)

    with pytest.raises(NotFoundError, match=r"^No model 'mugz' is served; did you mean 'mugs'\?"):
        answer_of(store, "mugz")
    with pytest.raises(NotFoundError, match=r"^Model 'mugs' serves version 2, not 1\."):
        answer_of(store, "mugs", 1)
    write_bundle(models, "mugs", 3)
    store.look()
    with pytest.raises(NotFoundError, match=r"^Model 'mugs' serves versions 3 and 2, not 1\."):
        answer_of(store, "mugs", 1)


def test_a_version_that_is_swapped_out_answers_the_requests_that_hold_it(models: Path) -> None:
    write_bundle(models, version=1)
    store = loaded_store(models, keep_versions=1)

    with store.lease(None, None) as first, store.lease(None, None):
        write_bundle(models, version=2)
        store.look()
        assert answer_of(store) == 2
        with pytest.raises(NotFoundError, match="serves version 2, not 1"):
            answer_of(store, version=1)
        assert first.engine.answer() == 1
    wait_until(lambda: first.engine.is_closed)
    store.close()


def test_a_version_is_put_away_by_another_thread_than_the_request_s(models: Path) -> None:
    closers: list[str] = []

    class Slow(Answerer):
        def close(self) -> None:
            closers.append(threading.current_thread().name)
            super().close()

    write_bundle(models, version=1)
    store = loaded_store(models, Slow, keep_versions=1)
    with store.lease(None, None):
        write_bundle(models, version=2)
        store.look()
        assert closers == []
    store.close()

    assert closers[0].startswith("put-away")
    assert len(closers) == 2


def test_a_version_that_cannot_be_put_away_is_told_to_the_log(models: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(Answerer):
        def close(self) -> None:
            raise OSError("stuck")

    write_bundle(models, "mugs")
    write_bundle(models, "cups")
    loaded_store(models, Stuck).close()

    assert caplog.messages == [
        "model cups version 1 could not be put away",
        "model mugs version 1 could not be put away",
    ]


def test_closing_closes_every_model_even_one_that_is_held(models: Path) -> None:
    write_bundle(models, "mugs")
    write_bundle(models, "cups", 7)
    store = loaded_store(models, keep_versions=1)
    with store.lease("mugs", None) as held, store.lease("cups", None) as cups:
        write_bundle(models, "mugs", 2)
        store.look()
        store.close()
        assert held.engine.is_closed
        assert cups.engine.is_closed


def test_a_version_that_was_put_away_is_freed(models: Path) -> None:
    write_bundle(models, version=1)
    store = loaded_store(models, keep_versions=1)
    gc.disable()
    try:
        with store.lease(None, None) as served:
            engine = weakref.ref(served.engine)
        del served
        write_bundle(models, version=2)
        store.look()
        wait_until(lambda: engine() is None)
    finally:
        gc.enable()
    store.close()


def test_when_the_sweep_is_called_the_version_is_put_away_and_held_no_more(models: Path) -> None:
    write_bundle(models, version=1)
    engines: list[weakref.ref[Answerer]] = []
    swept: list[bool] = []

    def open_engine(bundle: Bundle) -> Answerer:
        engine = Answerer(bundle)
        engines.append(weakref.ref(engine))
        return engine

    store = Store(models, open_engine, keep_versions=1, sweep=lambda: swept.append(engines[0]() is None))
    store.load()
    write_bundle(models, version=2)
    store.look()
    wait_until(lambda: len(swept) == 3)
    store.close()

    assert swept == [False, False, True]  # after each load, and when the first was put away


def test_no_request_meets_a_closed_version_through_200_swaps(models: Path) -> None:
    for version in (1, 2, 3):
        write_bundle(models, version=version)
    store = loaded_store(models, keep_versions=1)
    is_over = threading.Event()

    def ask() -> Sequence[int]:
        answers = []
        while not is_over.is_set():
            with store.lease("colours", None) as served:
                time.sleep(0.001)
                answers.append(served.engine.answer())
        return answers

    with ThreadPoolExecutor(8) as askers:
        asked = [askers.submit(ask) for _ in range(8)]
        for swap in range(200):
            store.activate("colours", swap % 3 + 1)
        is_over.set()

    assert {answer for future in asked for answer in future.result()} == {1, 2, 3}
    store.close()


def test_a_version_says_that_it_is_being_loaded(models: Path) -> None:
    seen: list[dict[int, str]] = []

    def open_engine(bundle: Bundle) -> Answerer:
        seen.append(states_of(store))
        return Answerer(bundle)

    write_bundle(models, version=1)
    store: Store[Answerer] = store_of(models, open_engine, keep_versions=1)
    store.load()
    write_bundle(models, version=2)
    store.look()
    store.activate("colours", 1)

    assert seen == [{1: "loading"}, {1: "ready", 2: "loading"}, {1: "loading", 2: "ready"}]


@pytest.mark.parametrize("is_broken", [False, True])
def test_a_service_that_is_told_to_end_while_it_loads_begins_no_other_load(is_broken: bool, models: Path) -> None:
    opened: list[str] = []

    def open_engine(bundle: Bundle) -> Answerer:
        opened.append(f"{bundle.metadata.name}/{bundle.path.name}")
        store.is_draining = True
        return Answerer(bundle)

    for name in ("cups", "mugs"):
        write_bundle(models, name, 1)
        write_bundle(models, name, 2, offset=0.5 if is_broken else 0)
    store: Store[Answerer] = store_of(models, open_engine)
    store.load()

    assert opened == ["cups/2"]
    assert not store.is_loaded
    store.close()


def test_a_service_that_is_about_to_end_loads_nothing_that_someone_chooses(models: Path) -> None:
    for version in (1, 2):
        write_bundle(models, version=version)
    store = loaded_store(models)
    store.is_draining = True

    with pytest.raises(NotReadyError, match=r"^The service is about to end; ask another\."):
        store.activate("colours", 1)
    assert states_of(store) == {1: "not_loaded", 2: "ready"}
