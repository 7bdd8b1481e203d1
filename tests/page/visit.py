"""A page that is open in a browser, and what tests do with it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

# As a drop or the clipboard hands it over: [kind of event, selector, name of a file, its content in base64, a text].
_HAND_OVER = """([kind, selector, name, data, text]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const transfer = new DataTransfer();
  if (name) transfer.items.add(new File([bytes], name, { type: "image/png" }));
  if (text) transfer.items.add(text, "text/plain");
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}"""

# Keeps the parts of each form that is sent, which a browser does not tell of otherwise once there are files in it.
_KEEP_FORMS = """
window.sentForms = [];
window.sentSignals = [];
const send = window.fetch;
window.fetch = (address, options) => {
  if (options?.body instanceof FormData) {
    window.sentForms.push([...options.body]);
    window.sentSignals.push(options.signal);
  }
  return send(address, options);
};
"""
_PART = """async (name) => {
  const [, part] = window.sentForms.at(-1).find(([one]) => one === name) ?? [null, null];
  if (part === null || typeof part === "string") return part;
  const bytes = new Uint8Array(await part.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


class Visit:
    """The page of a service.

    Args:
        page: that shows it.
        url: of the service.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.may_be_refused = False
        page.set_default_timeout(60_000)
        page.add_init_script(_KEEP_FORMS)
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, view: str = "") -> None:
        """Shows the page once it knows its models."""
        self.page.goto(f"{self.url}/{view and f'#{view}'}")
        self.page.locator("#model-choice").wait_for()

    def show(self, view: str) -> None:
        """Goes to a part of the page."""
        self.page.locator(f"nav a[href='#{view}']").click()

    def choose(self, file: Path, name: str = "image") -> None:
        """Chooses a file for a picture input."""
        self.page.locator(f"[data-input={name}] input[type=file]").first.set_input_files(file)

    def drop(self, png: bytes, name: str = "image") -> None:
        """Drops a picture on its field."""
        given = ["drop", f"[data-input={name}] .drop-zone", "dropped.png", base64.b64encode(png).decode(), ""]
        self.page.evaluate(_HAND_OVER, given)

    def drop_text(self, text: str, name: str = "image") -> None:
        """Drops a text on the field of a picture."""
        self.page.evaluate(_HAND_OVER, ["drop", f"[data-input={name}] .drop-zone", "", "", text])

    def paste(self, png: bytes, *, text: str = "", into: str = "body") -> None:
        """Pastes a picture, and the text that is on the clipboard with it."""
        given = ["paste", into, "pasted.png", base64.b64encode(png).decode(), text]
        self.page.evaluate(_HAND_OVER, given)

    def write(self, text: str, name: str = "text") -> None:
        """Types into a field."""
        self.page.locator(f"[data-input={name}] :is(textarea, input)").fill(text)

    def predict(self) -> str:
        """Asks; the label that comes first in the answer."""
        self.page.get_by_role("button", name="Predict").click()
        return self.first_choice()

    def sent_text(self, name: str = "text") -> str | None:
        """A text of the form that was sent last."""
        text: str | None = self.page.evaluate(_PART, name)
        return text

    def sent_picture(self, name: str = "image") -> bytes:
        """The file of a picture in the form that was sent last."""
        return base64.b64decode(self.page.evaluate(_PART, name))

    def first_choice(self) -> str:
        """The label that comes first in the answer."""
        return self.page.locator(".first-choice strong").inner_text()

    def problem(self, place: str = "#answer-problem") -> Locator:
        """What is said to have gone wrong."""
        found = self.page.locator(f"{place} .problem")
        found.wait_for()
        return found

    def check(self) -> None:
        """That nothing went wrong unseen, and nobody else was asked."""
        unexpected = [one for one in self.errors if not (self.may_be_refused and "Failed to load resource" in one)]
        assert unexpected == []
        origins = {urlsplit(one)._replace(path="", query="", fragment="").geturl() for one in self.requests}
        assert origins - {"blob:", "data:"} <= {self.url}
