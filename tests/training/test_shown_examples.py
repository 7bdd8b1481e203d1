"""What a bundle brings along for everybody to try."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from model.bundle import Bundle
from training.fit import Fitted
from training.shown_examples import COUNT, SIDE_PX, shown


def picture(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(stream, "PNG")
    return stream.getvalue()


def test_whole_examples_are_shown_with_small_pictures() -> None:
    golden = [{"photo": picture(900, 300), "title": f"red {number}"} for number in range(8)]

    made = shown([*golden, {"title": "no picture"}])

    assert [one["title"] for one in made] == [f"red {number}" for number in range(COUNT)]
    head, data = made[0]["photo"].split(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == (SIDE_PX, SIDE_PX)
        assert np.abs(np.array(image)[SIDE_PX // 2, SIDE_PX // 2].astype(int) - [200, 30, 30]).max() < 6
    assert shown([]) == []


def test_nothing_is_shown_unless_the_recipe_says_so(tiny_fitted: Fitted) -> None:
    assert not tiny_fitted.run.recipe().data.publish_examples
    assert Bundle(tiny_fitted.run.bundle).examples == ()
