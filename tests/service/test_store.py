"""The models that are served: the newest good version of each."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from model.bundle import Bundle
from model.errors import BundleError, NotFoundError, NotReadyError, RequestError
from model.images import DECODE_VERSION
from service.store import Store, find
from tests.service.stand_in import Namer, write_bundle

Loader = Callable[[Callable[[Bundle], Namer]], Store]


@pytest.fixture
def loaded(models: Path) -> Iterator[Loader]:
    """Makes a store of what is in `models` and loads it; closes it in the end."""
    with ExitStack() as stack:

        def load(runtime: Callable[[Bundle], Namer] = Namer) -> Store:
            store = Store(models, runtime, max_batch_size=4)
            store.load()
            stack.callback(store.close)
            return store

        yield load


def damage(bundle: Path) -> None:
    (bundle / "saved_model.pb").write_bytes(b"other bytes")


def test_models_are_found_with_their_versions_oldest_first(models: Path) -> None:
    for version in (10, 9, 2):
        write_bundle(models, "mugs", version)
    (models / "mugs" / ".incoming-x").mkdir()
    (models / "notes").mkdir()
    (models / "README.txt").touch()

    assert find(models) == {"mugs": [2, 9, 10]}


@pytest.mark.parametrize("folder", ["models", "models/nothing"])
def test_a_folder_without_models_is_an_error_that_says_what_to_do(folder: str, models: Path) -> None:
    directory = models.parent / folder
    with pytest.raises(BundleError, match=f"^There is no model in {directory}: expected .*'bifocal-training fit'"):
        find(directory)


def test_the_newest_version_is_served_and_warm(models: Path, loaded: Loader) -> None:
    namers = []

    def load(bundle: Bundle) -> Namer:
        namers.append((bundle.path.name, Namer(bundle)))
        return namers[-1][1]

    write_bundle(models, version=1)
    write_bundle(models, version=2)
    store = loaded(load)

    assert store.get("colours", None).version == 2
    assert [(version, namer.warmed) for version, namer in namers] == [("2", [1, 4])]


def test_a_served_model_is_given_no_more_examples_at_once_than_the_limit(models: Path, loaded: Loader) -> None:
    namers = []

    def load(bundle: Bundle) -> Namer:
        namers.append(Namer(bundle))
        return namers[0]

    write_bundle(models)
    store = loaded(load)

    futures = [store.get(None, None).batcher.submit({"text": "red"}) for _ in range(50)]

    assert [future.result(timeout=5)["colour"].argmax() for future in futures] == [2] * 50
    assert sum(namers[0].batches) == 50
    assert max(namers[0].batches) <= 4


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"format_version": 99}, "has format 99; this build reads up to 2"),
        ({"decode_version": DECODE_VERSION + 1}, "was trained on pictures decoded by version 2"),
        ({"offset": 0.01}, "disagrees with its own golden examples: probabilities differ by 0.01"),
        ({}, "is damaged: missing or changed since it was written: saved_model.pb"),
    ],
    ids=["newer format", "other decoding", "golden examples", "damaged file"],
)
def test_a_refused_version_gives_way_to_the_one_before_it(
    fault: dict[str, Any], reason: str, models: Path, caplog: pytest.LogCaptureFixture, loaded: Loader
) -> None:
    write_bundle(models, version=3)
    refused = write_bundle(models, version=4, **fault)
    if not fault:
        damage(refused)

    with caplog.at_level(logging.ERROR, "bifocal"):
        store = loaded()

    assert store.get("colours", None).version == 3
    assert reason in store.refused("colours")[4]
    assert f"model colours version 4 is refused: {store.refused('colours')[4]}" in caplog.messages


def test_a_folder_that_is_no_bundle_is_refused(models: Path, loaded: Loader) -> None:
    write_bundle(models, version=1)
    (models / "colours" / "2").mkdir()
    store = loaded()

    assert store.get(None, None).version == 1
    assert store.refused("colours") == {
        2: "2 is not a bundle: assets.extra/bifocal.json can't be read (No such file or directory)."
    }


class Unwarmable(Namer):
    """Fails where a network that does not fit its metadata fails: at its first call."""

    def warm_up(self, batch_sizes: Sequence[int]) -> None:
        raise TypeError(f"expected a tensor named 'photo' for batches of {batch_sizes}")


def test_an_error_nobody_thought_of_refuses_one_version_and_not_the_service(models: Path, loaded: Loader) -> None:
    write_bundle(models, version=1)
    write_bundle(models, version=2)
    store = loaded(lambda bundle: (Namer if bundle.path.name == "1" else Unwarmable)(bundle))

    assert store.get(None, None).version == 1
    assert store.refused("colours") == {2: "It could not be loaded; the log says why."}


def test_one_model_that_cannot_be_served_leaves_the_others_alone(models: Path, loaded: Loader) -> None:
    write_bundle(models, "mugs")
    damage(write_bundle(models, "cups"))
    store = loaded()

    assert store.names() == ["cups", "mugs"]
    assert (store.served("cups"), store.served("mugs").version) == (None, 1)
    assert store.get("mugs", None).name == "mugs"
    with pytest.raises(RequestError, match="There are several models"):
        store.get(None, None)
    with pytest.raises(NotFoundError, match=r"^No model 'cups' is served\. Valid: mugs\."):
        store.get("cups", None)


def test_no_model_that_can_be_served_is_an_error(models: Path) -> None:
    for name in ("cups", "mugs"):
        damage(write_bundle(models, name))
    store = Store(models, Namer, max_batch_size=4)

    with pytest.raises(BundleError, match=f"^None of the models in {models} can be served: cups, mugs"):
        store.load()
    assert not store.is_loaded


def test_before_loading_ends_nothing_is_served(models: Path) -> None:
    write_bundle(models)
    store = Store(models, Namer, max_batch_size=4)

    with pytest.raises(NotReadyError, match="still being loaded; ask again"):
        store.get(None, None)
    assert store.names() == []


def test_of_several_models_a_request_must_say_which(models: Path, loaded: Loader) -> None:
    write_bundle(models, "mugs")
    write_bundle(models, "cups")
    store = loaded()

    with pytest.raises(RequestError, match=r"^There are several models; say which: \?model=NAME\. Valid: cups, mugs\."):
        store.get(None, None)
    assert store.get("cups", None).name == "cups"


def test_a_wrong_name_is_told_the_nearest_and_a_wrong_version_the_right_one(models: Path, loaded: Loader) -> None:
    write_bundle(models, "mugs", 2)
    store = loaded()

    assert store.get("mugs", 2) is store.get(None, None)
    with pytest.raises(NotFoundError, match=r"^No model 'mugz' is served; did you mean 'mugs'\?"):
        store.get("mugz", None)
    with pytest.raises(NotFoundError, match=r"^Model 'mugs' serves version 2, not 1\."):
        store.get("mugs", 1)


def test_a_served_version_can_vanish_from_disk(models: Path, loaded: Loader) -> None:
    write_bundle(models)
    store = loaded()
    shutil.rmtree(models)

    future = store.get(None, None).batcher.submit({"text": "red"})
    assert future.result(timeout=5)["colour"].argmax() == 2
    store.close()


def test_closing_ends_the_threads_of_all_models(models: Path, loaded: Loader) -> None:
    write_bundle(models, "mugs")
    write_bundle(models, "cups", 7)
    store = loaded()
    names = {"model-mugs-1", "model-cups-7"}
    assert names <= {thread.name for thread in threading.enumerate()}

    store.close()
    assert not names & {thread.name for thread in threading.enumerate()}
