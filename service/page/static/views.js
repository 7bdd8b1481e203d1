// The parts of the page, one shown at a time: the address says which ("#figures").

import { byId } from "./element.js";

const FIRST = "try";

export class Views {
  /** @param {(view: string) => void} onshow told which is shown. */
  constructor(onshow) {
    this.onshow = onshow;
    this.all = [...document.querySelectorAll("[data-view]")];
    window.addEventListener("hashchange", () => this.show());
  }

  get current() {
    const asked = location.hash.slice(1);
    return this.all.some((view) => view.dataset.view === asked) ? asked : FIRST;
  }

  show() {
    if (location.hash === "#main") return; // the way past the navigation, not a part
    for (const view of this.all) view.hidden = view.dataset.view !== this.current;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.getAttribute("href") === `#${this.current}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    byId("key-question").hidden = true;
    window.scrollTo(0, 0);
    this.onshow(this.current);
  }

  /** Shows none of them, while a key is asked for. */
  hide() {
    for (const view of this.all) view.hidden = true;
  }
}
