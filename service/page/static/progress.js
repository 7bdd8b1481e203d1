// That something is under way: shown when it takes longer than a moment, with the time so far and a way out.

import { element } from "./element.js";
import { Problem } from "./problems.js";

const PATIENCE_MS = 400;

/**
 * Does something and shows meanwhile that it is being done.
 * @param {Element} place for the bar.
 * @param {string} what it is, in words.
 * @param {(signal: AbortSignal) => Promise} doing
 */
export async function shown(place, what, doing) {
  const leaving = new AbortController();
  const elapsed = element("span", { class: "number" });
  const begun = performance.now();
  const tick = () => (elapsed.textContent = `${((performance.now() - begun) / 1000).toFixed(1)} s`);
  let ticking;
  const waiting = setTimeout(() => {
    tick();
    ticking = setInterval(tick, 100);
    const cancel = element("button", { type: "button", onclick: () => leaving.abort() }, "Cancel");
    // The time is not announced: it changes ten times a second.
    place.replaceChildren(
      element("div", { class: "progress" },
        element("span", { role: "status" }, `${what} …`),
        element("span", { "aria-hidden": "true" }, elapsed),
        cancel,
        element("div", { class: "progress-bar", "aria-hidden": "true" }),
      ),
    );
  }, PATIENCE_MS);
  try {
    return await doing(leaving.signal);
  } finally {
    clearTimeout(waiting);
    clearInterval(ticking);
    place.replaceChildren();
  }
}

/** One at a time: what is begun later makes the answer to what was begun before not count. */
export class Latest {
  #turn = 0;

  async of(doing) {
    const turn = ++this.#turn;
    const isLatest = () => turn === this.#turn;
    try {
      const value = await doing();
      return isLatest() ? value : null;
    } catch (error) {
      if (isLatest()) throw error;
      return null;
    }
  }

  forget() {
    this.#turn++;
  }
}

export const isCancelled = (error) => error instanceof Problem && error.kind === "cancelled";
