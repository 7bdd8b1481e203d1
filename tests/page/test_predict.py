"""Giving the page a picture and words."""

from __future__ import annotations

import io
import re
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.page.pictures import picture, picture_file, sideways_photo
from tests.page.visit import Visit


def test_a_picture_is_chosen_as_a_file(visit: Visit, tmp_path: Path) -> None:
    visit.choose(picture_file(tmp_path, "red"))
    visit.write("a tomato")

    assert visit.predict() == "red"
    assert "picture.png, 20 × 16 px" in visit.page.locator(".drop-zone .hint").inner_text()
    assert visit.page.locator("#predictions").inner_text().endswith("Left out: tags.")


def test_a_picture_is_dropped(visit: Visit) -> None:
    visit.drop(picture("green"))
    visit.page.get_by_text("dropped.png").wait_for()

    assert visit.predict() == "green"


def test_a_picture_is_pasted(visit: Visit) -> None:
    visit.paste(picture("blue"))
    visit.page.get_by_text("pasted.png").wait_for()
    visit.write("the sea and the sky")

    assert visit.predict() == "blue"
    assert visit.sent_picture() == picture("blue")


def test_words_that_are_pasted_with_a_picture_of_them_stay_words(visit: Visit) -> None:
    visit.write("grass")
    visit.paste(picture("blue"), text="the sea", into="[data-input=text] textarea")
    visit.predict()

    assert visit.sent_text("image") is None
    visit.paste(picture("red"), text="a file", into="body")
    visit.page.get_by_text("pasted.png").wait_for()


def test_what_is_dropped_and_no_file_is_told(visit: Visit) -> None:
    visit.drop_text("https://example.com/mug.jpg")

    assert "What was dropped is no file" in visit.page.locator(".drop-zone .hint").inner_text()


def test_a_photo_is_taken_where_there_is_a_camera(visit: Visit) -> None:
    camera = visit.page.locator("[data-input=image] input[capture]")

    assert (camera.get_attribute("capture"), camera.get_attribute("accept")) == ("environment", "image/*")


def test_the_picture_is_left_out(visit: Visit) -> None:
    visit.write("grass and a leaf")

    assert visit.predict() == "green"
    assert "Left out: image, tags." in visit.page.locator("#predictions").inner_text()
    assert visit.page.locator(".heatmap").count() == 0


def test_the_words_are_left_out(visit: Visit, tmp_path: Path) -> None:
    visit.choose(picture_file(tmp_path, "red"))

    assert visit.predict() == "red"
    assert "Left out: text, tags." in visit.page.locator("#predictions").inner_text()


def test_tags_count_too(visit: Visit) -> None:
    visit.write("blueish, thing", "tags")

    assert visit.predict() == "blue"


def test_the_bars_have_the_numbers_of_the_service_top_first(visit: Visit, service_url: str) -> None:
    visit.write("a tomato")
    visit.predict()
    rows = visit.page.locator("#predictions .bars tbody tr").all_inner_texts()
    head = httpx.post(f"{service_url}/predict", json={"text": "a tomato"}).json()["predictions"][0]["heads"]["colour"]

    assert [re.split(r"\s+", row)[0] for row in rows] == [one["label"] for one in head["top"]]
    assert f"{100 * head['probability']:.1f}" in rows[0]


def test_it_says_which_version_answered_and_where_the_time_went(visit: Visit) -> None:
    visit.write("a tomato")
    visit.predict()
    told = visit.page.locator("#timing").inner_text()

    assert re.search(r"tiny, version 2, answered in \d+\sms", told)
    for stage in ("reading the request", "waiting", "the model", "writing the answer", "on the way"):
        assert stage in told


def test_an_example_of_the_model_is_tried_with_a_click(visit: Visit) -> None:
    visit.page.locator(".example").first.click()
    assert visit.first_choice() == "green"
    assert visit.page.locator("[data-input=text] textarea").input_value() == "grass"
    visit.page.locator(".example").nth(1).click()
    visit.page.get_by_text("Left out: image.").wait_for()

    assert visit.first_choice() == "blue"
    assert visit.page.locator("[data-input=tags] input").input_value() == "blueish,thing"


def test_a_large_photo_is_scaled_before_it_is_sent_and_kept_upright(visit: Visit, tmp_path: Path) -> None:
    visit.choose(sideways_photo(tmp_path / "photo.jpg"))
    visit.page.get_by_text("1,800 × 2,400 px").wait_for()
    assert "Sent as 1,200 × 1,600 px." in visit.page.locator(".drop-zone .hint").inner_text()
    visit.predict()
    sent = Image.open(io.BytesIO(visit.sent_picture()))

    assert sent.size == (1200, 1600)
    assert sent.getexif().get(0x0112, 1) == 1
    red, _, blue = sent.getpixel((600, 300))  # type: ignore[misc]
    assert red > 2 * blue


@pytest.mark.parametrize(("mode", "sent_as"), [("RGB", "JPEG"), ("RGBA", "PNG")])
def test_a_large_picture_stays_small_to_send_unless_it_is_transparent(
    mode: str, sent_as: str, visit: Visit, tmp_path: Path
) -> None:
    Image.new(mode, (2000, 1000), (220, 30, 30, 99)[: len(mode)]).save(tmp_path / "large.webp", quality=80)
    visit.choose(tmp_path / "large.webp")
    visit.page.get_by_text("Sent as 1,600 × 800 px.").wait_for()
    visit.predict()

    assert Image.open(io.BytesIO(visit.sent_picture())).format == sent_as


def test_a_large_photo_is_sent_as_it_is_if_that_is_wanted(visit: Visit, tmp_path: Path) -> None:
    photo = sideways_photo(tmp_path / "photo.jpg")
    visit.choose(photo)
    visit.page.get_by_text("1,800 × 2,400 px").wait_for()
    visit.page.get_by_label("Scale a photo").uncheck()
    assert "Sent as" not in visit.page.locator(".drop-zone .hint").inner_text()
    visit.predict()
    sent = Image.open(io.BytesIO(visit.sent_picture()))

    assert (sent.size, sent.getexif()[0x0112]) == ((2400, 1800), 6)


def test_what_was_asked_before_is_marked_as_such(visit: Visit) -> None:
    visit.write("a tomato")
    visit.predict()
    note = visit.page.get_by_text("What you give has changed since this answer.")
    assert not note.is_visible()
    visit.write("grass")

    assert note.is_visible()
