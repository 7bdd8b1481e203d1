"""Pictures of the page: on a phone and on a large screen, light and dark.

python -m benchmarks.screenshots docs --url http://127.0.0.1:8000
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCREENS: dict[str, dict[str, Any]] = {
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    },
    "desktop": {"viewport": {"width": 1280, "height": 960}},
}
SCHEMES = ("light", "dark")
QUALITY = 76  # of the JPEG
_CLICK_THE_HEAVIEST = """(words) => {
  const weightOf = (word) => Number(getComputedStyle(word).getPropertyValue("--weight"));
  const speaking = words.filter((word) => !word.matches(".is-against"));
  speaking.reduce((one, other) => weightOf(one) < weightOf(other) ? other : one).click();
}"""


def main() -> None:
    """Asks for the first example of the model that is served, and takes pictures of the answer and of the figures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Takes pictures of the page of a running service.")
    parser.add_argument("folder", type=Path, help="where page-SCREEN-SCHEME.jpg and figures-SCREEN-SCHEME.jpg go")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the service")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for screen, options in SCREENS.items():
            for scheme in SCHEMES:
                context = chromium.new_context(color_scheme=scheme, reduced_motion="reduce", **options)
                page = context.new_page()
                for name, shown in (("page", show_answer), ("figures", show_figures)):
                    shown(page, given.url)
                    file = given.folder / f"{name}-{screen}-{scheme}.jpg"
                    whole = (name, screen) == ("page", "desktop")
                    page.screenshot(path=file, type="jpeg", quality=QUALITY, full_page=whole)
                    print(f"{file}  {file.stat().st_size // 1000} kB")
                context.close()
        chromium.close()


def show_answer(page: Page, url: str) -> None:
    """The answer to the first example, why, and what would be without one of its words."""
    page.goto(f"{url}/")
    page.locator(".example").first.click()
    page.locator(".word small").first.wait_for()
    page.locator(".heatmap").wait_for()
    page.locator(".word").evaluate_all(_CLICK_THE_HEAVIEST)
    page.locator(".changes").wait_for()
    page.mouse.move(0, 0)
    page.locator("#answer").evaluate("(answer) => scrollTo(0, innerWidth < 600 ? answer.offsetTop - 16 : 0)")


def show_figures(page: Page, url: str) -> None:
    """How well the model does."""
    page.goto(f"{url}/#figures")
    page.locator(".diagram").first.wait_for()


if __name__ == "__main__":
    main()
