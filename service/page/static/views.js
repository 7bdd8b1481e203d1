// The parts of the page, one shown at a time: the address says which ("#figures").

const FIRST = "try";

export class Views {
  #isHidden = true;

  /** @param {(view: string) => void} onchange told which one a visitor has gone to. */
  constructor(onchange) {
    this.all = [...document.querySelectorAll("[data-view]")];
    window.addEventListener("hashchange", () => {
      if (this.#isHidden || location.hash === "#main") return; // the way past the navigation is no part
      this.show();
      window.scrollTo(0, 0);
      this.#announce();
      onchange(this.current);
    });
  }

  /** Goes on from its heading: read out, and where the next Tab starts. */
  #announce() {
    const heading = this.all.find((view) => !view.hidden).querySelector("h2");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }

  get current() {
    const asked = location.hash.slice(1);
    return this.all.some((view) => view.dataset.view === asked) ? asked : FIRST;
  }

  show() {
    this.#isHidden = false;
    for (const view of this.all) view.hidden = view.dataset.view !== this.current;
    for (const link of document.querySelectorAll("nav a")) {
      const isCurrent = link.getAttribute("href") === `#${this.current}`;
      if (isCurrent) document.title = `${link.textContent} · Bifocal`;
      if (isCurrent) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  /** Shows none of them, while there is nothing to show: a key is asked for, or no model answers. */
  hide() {
    this.#isHidden = true;
    for (const view of this.all) view.hidden = true;
  }
}
