"""API keys: the file, what makes and removes them, and how a change of it is taken up."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from model.errors import SpecError, StorageError
from service.commands.keys import app
from service.intake import keys
from service.intake.keys import Keys

DIGEST = "0" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_known_by_what_was_shown_and_by_nothing_near_it(path: Path) -> None:
    shop = keys.add(path, "shop", ("predict",))
    keys.add(path, "boss", ("predict", "admin"))
    known = Keys(path)

    found = known.of(shop)

    assert found is not None
    assert (found.name, found.rights) == ("shop", ("predict",))
    assert [known.of(wrong) for wrong in (shop[:-1], shop + "x", shop.swapcase(), "", "\ud800", found.sha256)] == [
        None
    ] * 6


def test_a_key_is_256_random_bits_and_only_its_digest_is_kept(path: Path) -> None:
    made = [keys.add(path, name, ("predict",)) for name in ("a", "b")]

    assert all(re.fullmatch(r"bf_[A-Za-z0-9_-]{43}", key) for key in made)
    assert made[0] != made[1]
    assert json.loads(path.read_text())["keys"][1] == {
        "name": "b",
        "sha256": hashlib.sha256(made[1].encode()).hexdigest(),
        "rights": ["predict"],
    }
    assert not any(key in path.read_text() for key in made)


def test_each_key_is_compared_as_a_whole_even_after_one_fits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = [keys.add(path, name, ("predict",)) for name in ("a", "b", "c")]
    compared = []
    compare: Callable[[str, str], bool] = keys.hmac.compare_digest
    monkeypatch.setattr(keys.hmac, "compare_digest", lambda a, b: compared.append(a) or compare(a, b))

    assert Keys(path).of(first) is not None
    assert len(compared) == 3


def test_a_change_is_taken_up_within_a_second_and_not_looked_for_more_often(path: Path) -> None:
    keys.add(path, "old", ("predict",))
    clock = Clock()
    known = Keys(path, clock=clock)
    new = keys.add(path, "new", ("predict",))

    clock.now = 0.9
    assert known.of(new) is None
    clock.now = 1.0
    assert known.of(new) is not None
    keys.remove(path, "new")
    clock.now = 2.0
    assert known.of(new) is None


@pytest.mark.parametrize("broken", ["{", '{"keys": [{}]}', None])
def test_a_broken_change_leaves_the_keys_and_is_logged_once(
    broken: str | None, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = keys.add(path, "shop", ("predict",))
    clock = Clock()
    known = Keys(path, clock=clock)
    path.unlink()
    if broken is not None:
        path.write_text(broken)

    with caplog.at_level(logging.ERROR):
        for clock.now in (1.0, 2.0, 3.0):
            assert known.of(key) is not None

    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("the keys stay as they were: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"is not JSON: .*line 1 column 2.*as 'bifocal-service keys add' writes it"),
        ("[]", r"^keys.json: "),
        ({"kyes": []}, r"^keys.json: unknown key 'kyes'; did you mean 'keys'"),
        ({"keys": [{"name": "shop", "rights": ["predict"]}]}, r"^keys.json.keys\[0\].sha256: missing"),
        ({"keys": [{"name": "shop", "sha256": "abc", "rights": ["predict"]}]}, r"^keys.json.keys\[0\].sha256: "),
        ({"keys": [{"name": "shop", "sha256": DIGEST, "rights": ["root"]}]}, r"keys\[0\].rights\[0\]: .*'predict' or"),
        ({"keys": [{"name": "shop", "sha256": DIGEST, "rights": []}]}, r"^keys.json.keys\[0\].rights: "),
        ({"keys": [{"name": "a b", "sha256": DIGEST, "rights": ["predict"]}]}, r"^keys.json.keys\[0\].name: "),
        (
            {"keys": [{"name": "shop", "sha256": digit * 64, "rights": ["predict"]} for digit in "01"]},
            r"^keys.json.keys\[1\].name: there is another key with 'shop'. Remove one of them",
        ),
        (
            {"keys": [{"name": name, "sha256": DIGEST, "rights": ["predict"]} for name in "ab"]},
            r"^keys.json.keys\[1\].sha256: there is another key with",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_that_names_the_place(content: Any, message: str, path: Path) -> None:
    path.write_text(content if isinstance(content, str) else json.dumps(content))

    with pytest.raises(SpecError, match=message):
        Keys(path)


def test_a_file_that_is_missing_says_how_to_make_one(path: Path) -> None:
    with pytest.raises(SpecError, match=r"^There is no key file .*keys add NAME --right predict --file .*keys\.json$"):
        Keys(path)


def test_a_new_file_is_for_its_owner_and_a_changed_one_for_whom_it_was(path: Path) -> None:
    keys.add(path, "a", ("predict",))
    assert path.stat().st_mode & 0o777 == 0o600

    path.chmod(0o640)
    os.chown(path, 12, 34) if os.geteuid() == 0 else None
    before = path.stat()
    keys.add(path, "b", ("predict",))

    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino  # replaced as a whole
    assert [file.name for file in path.parent.iterdir()] == ["keys.json"]


def test_names_and_folders_that_do_not_fit_are_refused(path: Path, tmp_path: Path) -> None:
    keys.add(path, "shop", ("predict",))

    with pytest.raises(SpecError, match=r"has a key 'shop' already\. Remove it, or give the new one another name"):
        keys.add(path, "shop", ("predict",))
    with pytest.raises(SpecError, match=r"^key.name: "):
        keys.add(path, "two words", ("predict",))
    with pytest.raises(SpecError, match=r"has no key 'shpo'; did you mean 'shop'"):
        keys.remove(path, "shpo")
    with pytest.raises(StorageError, match=r"can't be written: No such file or directory"):
        keys.add(tmp_path / "none" / "keys.json", "shop", ("predict",))


def test_changes_at_the_same_time_are_all_kept(path: Path) -> None:
    keys.add(path, "old", ("predict",))

    with ThreadPoolExecutor(8) as threads:
        for name in "abcdefgh":
            threads.submit(keys.add, path, name, ("predict",))
        threads.submit(keys.remove, path, "old")

    assert sorted(key.name for key in keys.read(path).keys) == list("abcdefgh")
    assert [file.name for file in path.parent.iterdir()] == ["keys.json"]


def test_the_commands_make_list_and_remove_keys(path: Path) -> None:
    run = CliRunner().invoke
    file = ["--file", str(path)]

    shop = run(app, ["add", "shop", *file]).stdout.strip()
    run(app, ["add", "boss", "--right", "predict", "--right", "admin", *file])

    assert run(app, ["list", *file]).stdout == "shop\tpredict\nboss\tpredict, admin\n"
    assert Keys(path).of(shop) is not None
    run(app, ["remove", "boss"], env={"BIFOCAL_KEYS": str(path)})
    assert run(app, ["list", *file]).stdout == "shop\tpredict\n"
    assert isinstance(run(app, ["add", "x", "--right", "root", *file]).exception, SpecError)
