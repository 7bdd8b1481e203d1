"""A row of a manifest as a curl line."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from model.errors import ManifestError
from service.example import curl_line
from service.settings import Settings
from tests import tiny
from tests.service.stand_in import picture

SETTINGS = Settings(host="127.0.0.1", port=8123)


def line_for(directory: Path, *rows: dict[str, str], settings: Settings = SETTINGS) -> list[str]:
    """The words of the line, as a shell reads them."""
    return shlex.split(curl_line(tiny.write_rows(directory / "manifest.csv", list(rows)), settings))


def test_the_line_holds_the_picture_as_a_file_and_the_words_as_they_are(tmp_path: Path) -> None:
    row = {"image": "images/7.png", "caption": "a mug", "tags": "red,mug", "label": "cup", "price": "7"}

    assert line_for(tmp_path, row) == [
        "curl",
        "-F",
        f"image=@{tmp_path}/images/7.png",
        "--form-string",
        "caption=a mug",
        "--form-string",
        "tags=red,mug",
        "http://127.0.0.1:8123/predict",
    ]


def test_a_row_of_the_test_split_is_preferred(tmp_path: Path) -> None:
    rows = [
        {"text": "first", "split": "train"},
        {"text": "second", "split": "test"},
        {"text": "third", "split": "test"},
    ]

    assert "text=second" in line_for(tmp_path, *rows)
    assert "text=first" in line_for(tmp_path, *rows[:1])


def test_the_first_row_counts_as_well(tmp_path: Path) -> None:
    rows = [{"text": "first", "split": "test"}, {"text": "second", "split": "test"}]

    assert "text=first" in line_for(tmp_path, *rows)


def test_what_a_row_lacks_is_left_out(tmp_path: Path) -> None:
    words = line_for(tmp_path, {"image": "", "text": "a mug", "tags": ""})

    assert words[1:-1] == ["--form-string", "text=a mug"]


def test_the_line_works_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert f"image=@{tmp_path}/7.png" in line_for(Path(), {"image": "7.png"})


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain.png", "plain"),
        ("a b; c, d.png", "; rm -rf *; $(id) `id` $HOME !!"),
        ('it\'s "so" \\ odd.png', 'it\'s "so" \\ odd\n in two lines'),
        ("größe=1.png", "@file, <file, größe=1; type=text/html ☕"),
    ],
)
def test_the_line_works_as_pasted_whatever_is_in_it(
    name: str, text: str, tmp_path: Path, stand_in_service: httpx.Client
) -> None:
    (tmp_path / name).write_bytes(picture("green"))
    url = stand_in_service.base_url
    settings = Settings(host=url.host, port=url.port)
    manifest = tiny.write_rows(tmp_path / "manifest.csv", [{"image": name, "text": f"green {text}"}])

    done = subprocess.run(["bash", "-c", f"{curl_line(manifest, settings)} --silent"], capture_output=True, text=True)  # noqa: S607

    alone = stand_in_service.post(
        "/predict", files={"image": picture("green"), "text": (None, f"green {text}".encode())}
    )
    assert done.stdout, done.stderr
    assert httpx.Response(200, content=done.stdout).json()["predictions"] == alone.json()["predictions"]


def test_a_row_with_text_and_caption_gives_the_input_one_of_them(tmp_path: Path) -> None:
    words = line_for(tmp_path, {"text": "a mug", "caption": "chipped"})

    assert "text=a mug" in words
    assert "caption=chipped" not in words


def test_an_ipv6_address_is_bracketed(tmp_path: Path) -> None:
    assert line_for(tmp_path, {"text": "x"}, settings=Settings(host="::1"))[-1] == "http://[::1]:8000/predict"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"^The example manifest .*manifest\.csv can't be read: .*No such file"),
        (b"text\n\xff\n", r"can't be read: .*utf-8"),
        (
            b"title,label\nmug,cup\n",
            r"The first row of .*has nothing in the columns image, text, caption, tags\.",
        ),
        (b"", r"has nothing in the columns"),
    ],
    ids=["missing", "not UTF-8", "other columns", "empty"],
)
def test_a_manifest_without_an_example_is_an_error(content: bytes | None, message: str, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    if content is not None:
        manifest.write_bytes(content)

    with pytest.raises(ManifestError, match=message):
        curl_line(manifest, SETTINGS)
