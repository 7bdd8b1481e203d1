"""Versions that people have chosen: activated, rolled back to, remembered."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from model.bundle import Bundle
from model.errors import BifocalError, ConflictError, NotFoundError, NotReadyError, StorageError
from service.store.pins import Pins
from tests.service.answerer import Answerer, answer_of, loaded_store, reason_of, states_of, store_of
from tests.service.stand_in import write_bundle


@pytest.fixture
def two_versions(models: Path) -> Path:
    """The folder of models, with versions 1 and 2 of `colours`."""
    for version in (1, 2):
        write_bundle(models, version=version)
    return models


def test_a_version_on_disk_is_loaded_and_then_answers(two_versions: Path) -> None:
    store = loaded_store(two_versions)

    activation = store.activate("colours", 1)

    assert (activation.model, activation.version, activation.previous) == ("colours", 1, 2)
    assert (activation.pinned, activation.saved, activation.reason) == (True, True, None)
    assert answer_of(store) == 1
    assert states_of(store) == {1: "ready", 2: "loaded"}
    assert store.pinned("colours") == 1


def test_a_kept_version_answers_again_without_being_loaded(two_versions: Path) -> None:
    opened: list[str] = []

    def open_engine(bundle: Bundle) -> Answerer:
        opened.append(bundle.path.name)
        return Answerer(bundle)

    store = loaded_store(two_versions, open_engine)
    for version in (1, 2, 1, 2):
        store.activate("colours", version)

    assert opened == ["2", "1"]


def test_a_pinned_model_does_not_follow_new_versions_until_the_pin_is_lifted(two_versions: Path) -> None:
    store = loaded_store(two_versions)
    store.activate("colours", 1)
    write_bundle(two_versions, version=3)
    store.look()
    assert states_of(store) == {1: "ready", 2: "loaded", 3: "not_loaded"}

    activation = store.activate("colours", None)

    assert (activation.version, activation.previous, activation.pinned) == (3, 1, False)
    assert answer_of(store) == 3
    assert store.pinned("colours") is None


def test_lifting_a_pin_passes_over_what_is_refused(two_versions: Path) -> None:
    store = loaded_store(two_versions)
    store.activate("colours", 1)
    write_bundle(two_versions, version=3, offset=0.5)

    assert store.activate("colours", None).version == 2
    assert states_of(store) == {1: "loaded", 2: "ready", 3: "refused"}


def test_a_pin_survives_a_restart_until_it_is_lifted(two_versions: Path) -> None:
    store = loaded_store(two_versions)
    store.activate("colours", 1)
    store.close()

    second = loaded_store(two_versions)
    assert states_of(second) == {1: "ready", 2: "not_loaded"}
    second.activate("colours", None)
    second.close()

    assert answer_of(loaded_store(two_versions)) == 2
    assert (two_versions / ".state" / "pins.json").read_text() == "{}\n"


def test_pins_go_to_the_state_directory_if_one_is_given(two_versions: Path, tmp_path: Path) -> None:
    store = loaded_store(two_versions, state_dir=tmp_path / "state")
    store.activate("colours", 1)

    assert [file.name for file in (tmp_path / "state").iterdir()] == ["pins.json"]
    assert not (two_versions / ".state").exists()


def test_a_pinned_version_that_is_gone_gives_way_to_the_newest_until_it_is_back(
    two_versions: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = loaded_store(two_versions)
    store.activate("colours", 1)
    store.close()
    away = (two_versions / "colours" / "1").rename(two_versions.parent / "away")

    store = loaded_store(two_versions)
    assert answer_of(store) == 2
    assert "model colours is pinned to version 1, which can't be served: 2 is" in caplog.messages
    assert reason_of(store, 1) == "It is pinned, but not there. Put it back, or activate another."
    write_bundle(two_versions, version=3)
    store.look()
    assert answer_of(store) == 2

    away.rename(two_versions / "colours" / "1")
    store.look()
    assert answer_of(store) == 1


def test_a_refused_version_can_t_be_activated_and_changes_nothing(
    two_versions: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = loaded_store(two_versions)
    store.activate("colours", 1)
    write_bundle(two_versions, version=3, offset=0.5)

    for _ in range(2):
        with pytest.raises(ConflictError, match=r"^Version 3 of model 'colours' can't be served: .* differ by 0\.5"):
            store.activate("colours", 3)
    assert caplog.text.count("version 3 is refused") == 1
    assert states_of(store) == {1: "ready", 2: "loaded", 3: "refused"}
    assert answer_of(store) == 1
    assert store.pinned("colours") == 1


def test_activating_a_refused_version_tries_it_again(two_versions: Path) -> None:
    is_short_of_memory = True

    def open_engine(bundle: Bundle) -> Answerer:
        if is_short_of_memory and bundle.path.name == "2":
            raise MemoryError
        return Answerer(bundle)

    store = loaded_store(two_versions, open_engine)
    assert states_of(store) == {1: "ready", 2: "refused"}
    is_short_of_memory = False

    assert store.activate("colours", 2).version == 2
    assert states_of(store) == {1: "loaded", 2: "ready"}


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [
        ("colors", 1, r"^No model 'colors'; did you mean 'colours'\? Valid: colours\."),
        ("../models/colours", 1, r"^No model '\.\./models/colours'"),
        ("colours", 7, r"^Model 'colours' has no version 7\. Valid: 1, 2\."),
        ("colors", None, r"^No model 'colors'"),
    ],
)
def test_what_is_not_there_can_t_be_activated(name: str, version: int | None, message: str, two_versions: Path) -> None:
    store = loaded_store(two_versions)

    with pytest.raises(NotFoundError, match=message):
        store.activate(name, version)


def test_a_model_of_which_nothing_can_be_served_has_no_pin_to_lift(two_versions: Path) -> None:
    write_bundle(two_versions, "mugs", 1, offset=0.5)
    store = loaded_store(two_versions)

    with pytest.raises(ConflictError, match=r"^No version of model 'mugs' can be served; /models/mugs says why\."):
        store.activate("mugs", None)


def test_a_version_that_came_after_the_last_look_can_be_activated(two_versions: Path) -> None:
    store = loaded_store(two_versions)
    write_bundle(two_versions, version=3)

    assert store.activate("colours", 3).previous == 2
    assert states_of(store) == {1: "not_loaded", 2: "loaded", 3: "ready"}


def test_a_version_can_t_be_loaded_while_the_folder_is_gone_but_a_kept_one_answers_again(two_versions: Path) -> None:
    write_bundle(two_versions, version=3)
    store = loaded_store(two_versions)
    store.activate("colours", 2)
    two_versions.rename(two_versions.with_name("away"))

    with pytest.raises(
        ConflictError, match=r"^Version 1 of model 'colours' can't be served: No such file or directory"
    ):
        store.activate("colours", 1)
    assert not store.activate("colours", 3).saved
    assert answer_of(store) == 3
    assert not two_versions.exists()


def test_nothing_is_activated_before_loading_or_after_closing(two_versions: Path) -> None:
    store = store_of(two_versions)
    with pytest.raises(NotReadyError, match="still being loaded"):
        store.activate("colours", 1)
    store.load()
    store.close()
    with pytest.raises(NotReadyError, match="being put away"):
        store.activate("colours", 1)


def test_of_two_activations_that_overlap_the_later_one_counts(two_versions: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()
    opened: list[Answerer] = []
    errors: list[BifocalError] = []

    def open_engine(bundle: Bundle) -> Answerer:
        if bundle.path.name == "3":
            begun.set()
            assert may_end.wait(30)
        opened.append(Answerer(bundle))
        return opened[-1]

    def activate() -> None:
        try:
            store.activate("colours", 3)
        except BifocalError as error:
            errors.append(error)

    store = loaded_store(two_versions, open_engine)
    write_bundle(two_versions, version=3)
    slow = threading.Thread(target=activate)
    slow.start()
    assert begun.wait(30)
    store.activate("colours", 2)
    may_end.set()
    slow.join()

    assert [str(error) for error in errors] == [
        "Another version of model 'colours' was asked for while 3 was being loaded."
    ]
    assert answer_of(store) == store.pinned("colours") == 2
    assert opened[-1].is_closed


def test_closing_waits_for_an_activation_and_lets_go_of_what_it_loaded(two_versions: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()
    opened: list[Answerer] = []

    def open_engine(bundle: Bundle) -> Answerer:
        if bundle.path.name == "1":
            begun.set()
            assert may_end.wait(30)
        opened.append(Answerer(bundle))
        return opened[-1]

    def activate() -> None:
        with pytest.raises(NotReadyError, match="being put away"):
            store.activate("colours", 1)

    store = loaded_store(two_versions, open_engine)
    activating, closing = threading.Thread(target=activate), threading.Thread(target=store.close)
    activating.start()
    assert begun.wait(30)
    closing.start()
    closing.join(0.2)
    assert closing.is_alive()
    may_end.set()
    closing.join()

    assert [engine.is_closed for engine in opened] == [True, True]
    activating.join()


def test_an_activation_holds_though_it_can_t_be_saved_and_says_so(
    two_versions: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = loaded_store(two_versions, state_dir=tmp_path / "state" / "of")
    (tmp_path / "state").touch()  # a file where a directory should be
    activation = store.activate("colours", 1)

    assert (activation.saved, activation.pinned) == (False, True)
    assert activation.reason == (
        "The state directory can't be written (Not a directory); a restart will not know of this."
    )
    assert f"model colours: {activation.reason}" in caplog.messages
    assert answer_of(store) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"pins\.json is damaged: .* Expected {\"<model>\": <version>, \.\.\.}\. Mend it, or remove it to follow"),
        ("[1]", r"pins\.json holds no object of models and versions"),
        ('{"mugs": "3"}', r"pins\.json: mugs: \"3\" is no version number"),
        ('{"mugs": true}', r"pins\.json: mugs: true is no version number"),
        ('{"mugs": -1}', r"pins\.json: mugs: -1 is no version number"),
        ("[" * 100_000, r"pins\.json is damaged"),
        ("\x00\x01", r"pins\.json is damaged"),
    ],
)
def test_a_damaged_file_of_pins_stops_the_start_and_says_how_to_mend_it(
    text: str, message: str, two_versions: Path
) -> None:
    (two_versions / ".state").mkdir()
    (two_versions / ".state" / "pins.json").write_text(text)

    with pytest.raises(StorageError, match=message):
        store_of(two_versions).load()


def test_a_file_of_pins_that_can_t_be_read_stops_the_start(two_versions: Path) -> None:
    (two_versions / ".state" / "pins.json").mkdir(parents=True)

    with pytest.raises(
        StorageError, match=r"The pins in .*pins\.json can't be read \(Is a directory\)\. Make the file"
    ):
        store_of(two_versions).load()


def test_a_pin_that_can_t_be_saved_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    pins = Pins(tmp_path)
    pins.set("mugs", 1)
    pins.save()
    pins.set("mugs", 2)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        pins.save()

    again = Pins(tmp_path)
    again.read()
    assert again.get("mugs") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["pins.json"]


def test_pins_of_models_that_are_not_there_are_kept(two_versions: Path) -> None:
    write_bundle(two_versions, "mugs")
    store = loaded_store(two_versions)
    store.activate("mugs", 1)
    store.activate("colours", 1)
    store.close()
    shutil.rmtree(two_versions / "mugs")

    store = loaded_store(two_versions)
    store.activate("colours", 2)

    assert (two_versions / ".state" / "pins.json").read_text() == '{\n  "colours": 2,\n  "mugs": 1\n}\n'
