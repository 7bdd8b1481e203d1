"""The request just made, to copy: what is copied runs, and answers the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.page.pictures import picture, picture_file, sideways_photo
from tests.page.visit import Visit

pytestmark = pytest.mark.slow

TEXT = "a 'red' \"tomato\"; $HOME `id` @file"
NAME = "it's a, picture;1.png"


def copied(visit: Visit, title: str) -> str:
    """What the copy button puts on the clipboard."""
    visit.show("use")
    visit.page.get_by_role("button", name=f"Copy {title}").click()
    visit.page.get_by_role("button", name=f"Copy {title}").get_by_text("Copied").wait_for()
    text: str = visit.page.evaluate("navigator.clipboard.readText()")
    return text


@pytest.fixture
def asked(visit: Visit, tmp_path: Path) -> Visit:
    """A request with a picture whose name, and with words that, a shell could misread."""
    visit.choose(picture_file(tmp_path, "red", NAME))
    visit.write(TEXT)
    visit.predict()
    return visit


@pytest.fixture
def probabilities(service_url: str) -> dict[str, float]:
    """What the service answers to that request."""
    answer = httpx.post(f"{service_url}/predict", files={"image": ("a.png", picture("red"))}, data={"text": TEXT})
    found: dict[str, float] = answer.json()["predictions"][0]["heads"]["colour"]["probabilities"]
    return found


def run(command: list[str], directory: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_curl_line_runs(asked: Visit, tmp_path: Path, probabilities: dict[str, float]) -> None:
    line = copied(asked, "curl")
    answer: dict[str, Any] = json.loads(run(["sh", "-c", line], tmp_path))

    assert answer["predictions"][0]["heads"]["colour"]["probabilities"] == pytest.approx(probabilities, abs=1e-6)
    assert answer["predictions"][0]["absent"] == ["tags"]


def test_the_python_with_the_client_runs(asked: Visit, tmp_path: Path, probabilities: dict[str, float]) -> None:
    printed = run([sys.executable, "-c", copied(asked, "Python, with Bifocal's client")], tmp_path)

    label, probability = printed.split()
    assert float(probability) == pytest.approx(probabilities[label], abs=1e-6)


def test_the_python_with_httpx_runs(asked: Visit, tmp_path: Path, probabilities: dict[str, float]) -> None:
    printed = run([sys.executable, "-c", copied(asked, "Python, with httpx")], tmp_path)

    found = dict(re.findall(r"'(\w+)': ([\d.e-]+)", printed.partition("'probabilities'")[2]))
    assert {label: float(value) for label, value in found.items()} == pytest.approx(probabilities, abs=1e-6)


def test_the_javascript_runs_in_node(asked: Visit, tmp_path: Path, probabilities: dict[str, float]) -> None:
    from playwright._impl._driver import compute_driver_executable  # brings a Node.js along

    code = copied(asked, "JavaScript, with Node.js").replace("heads)", "heads.colour.probabilities.red)")
    (tmp_path / "predict.mjs").write_text(code)
    printed = run([compute_driver_executable()[0], "predict.mjs"], tmp_path)

    assert float(printed) == pytest.approx(probabilities["red"], abs=1e-6)


def test_the_javascript_runs_in_a_page(asked: Visit, probabilities: dict[str, float]) -> None:
    code = copied(asked, "JavaScript, in a page").replace(
        "console.log(predictions[0].heads)", "return predictions[0].heads"
    )
    heads = asked.page.evaluate(f"async () => {{\n{code}\n}}")

    assert heads["colour"]["probabilities"] == pytest.approx(probabilities, abs=1e-6)


def test_of_a_picture_that_the_page_scaled_it_says_that_the_code_does_not(visit: Visit, tmp_path: Path) -> None:
    visit.choose(sideways_photo(tmp_path / "photo.jpg"))
    visit.page.get_by_text("Sent as").wait_for()
    visit.predict()
    visit.show("use")

    assert visit.page.get_by_text("this page scaled it down").is_visible()


def test_a_picture_that_is_no_file_can_be_saved(visit: Visit, tmp_path: Path) -> None:
    visit.page.locator(".example").first.click()
    visit.first_choice()
    line = copied(visit, "curl")
    with visit.page.expect_download() as caught:
        visit.page.get_by_role("link", name="save example-1-image.png").click()
    caught.value.save_as(tmp_path / caught.value.suggested_filename)

    answer = json.loads(run(["sh", "-c", line], tmp_path))
    assert answer["predictions"][0]["heads"]["colour"]["label"] == "green"


def test_before_any_request_it_says_where_to_make_one(visit: Visit) -> None:
    visit.show("use")

    assert visit.page.get_by_role("link", name="try it").is_visible()
