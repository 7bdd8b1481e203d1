"""What the scripts of the page compute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.page.visit import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def visit(browser: Browser, service_url: str) -> Iterator[Visit]:
    """One page for all: nothing is changed on it."""
    visit = Visit(browser.new_page(), service_url)
    visit.open()
    yield visit
    visit.page.close()
    visit.check()


def call(visit: Visit, module: str, function: str, *arguments: Any) -> Any:
    """What a function of a script gives."""
    body = f"async (given) => (await import('/page/{module}')).{function}(...given)"
    return visit.page.evaluate(body, list(arguments))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A mug, isn't it? 5 €", ["A", "mug", "isn", "t", "it", "5", "€"]),
        ("壊れたカップ mug", ["壊", "れ", "た", "カ", "ッ", "プ", "mug"]),
        ("naïve café 🎁!", ["naïve", "café", "🎁"]),
        ("... -- !", []),
    ],
)
def test_words_are_split_as_the_service_does(text: str, words: list[str], visit: Visit) -> None:
    found = call(visit, "words.js", "wordsOf", {"kind": "text", "text": text})

    assert [one["text"] for one in found] == words


@pytest.mark.parametrize(
    ("tokens", "weights"),
    [
        ([("broken", 0.5), ("mug", -0.25)], [0.5, -0.25]),
        ([("bro", 0.1), ("##ken", 0.2), ("mug", 0.3)], [0.3, 0.3]),
        ([("broken", 0.5), ("mug", 0.1), ("broken", 0.1), ("mug", 0.2)], [0.6, 0.3]),  # two branches over one text
        ([("b", 0.1), ("r", 0.1), ("o", 0), ("k", 0), ("e", 0), ("n", 0), (" ", 9), ("m", 0.2)], [0.2, 0.2]),
        ([("broken", 0.5)], [0.5, 0]),  # the rest was over the longest that the model reads
        ([("broken", 0.5), ("mug", 0.1), ("broken mug", 0.09)], [0.56, 0.13]),  # six of nine letters are of the first
        ([("[UNK]", 0.5)], None),
    ],
)
def test_a_word_weighs_what_its_tokens_weigh(
    tokens: list[tuple[str, float]], weights: list[float] | None, visit: Visit
) -> None:
    words = [{"text": "Broken"}, {"text": "ＭＵＧ"}]
    found = call(
        visit, "words.js", "weightsOf", words, [{"token": token, "weight": weight} for token, weight in tokens]
    )

    assert found == (weights if weights is None else pytest.approx(weights))


@pytest.mark.parametrize(
    ("size", "fit", "seen", "shown"),
    [
        ((200, 100), "letterbox", [0, 16, 64, 32], [0, 0, 1, 1]),
        ((50, 100), "letterbox", [16, 0, 32, 64], [0, 0, 1, 1]),
        ((200, 100), "stretch", [0, 0, 64, 64], [0, 0, 1, 1]),
        ((200, 100), "center_crop", [0, 0, 64, 64], [0.25, 0, 0.5, 1]),
    ],
)
def test_a_heat_map_is_laid_where_the_model_saw_the_picture(
    size: tuple[int, int], fit: str, seen: list[int], shown: list[float], visit: Visit
) -> None:
    picture, given = {"width": size[0], "height": size[1]}, {"width": 64, "height": 64, "fit": fit}

    assert call(visit, "heatmap.js", "placeOf", picture, given) == {"seen": seen, "shown": shown}
