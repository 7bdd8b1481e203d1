// That something is under way: shown when it takes longer than a moment, with the time so far and a way out.

import { element } from "./element.js";
import { Problem } from "./problems.js";

const PATIENCE_MS = 400;

/**
 * Does something and shows meanwhile that it is being done.
 * @param {Element} place for the bar.
 * @param {string} what it is, in words.
 * @param {AbortController} leaving gives it up, when Cancel is pressed.
 * @param {(signal: AbortSignal) => Promise} doing
 */
export async function shown(place, what, leaving, doing) {
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

/** One at a time: what is begun later gives up what was begun before, so that the service need not go on with it. */
export class Latest {
  #current = null;

  /**
   * What `doing` resolves to; null if something later has taken its place.
   * @param {(leaving: AbortController) => Promise} doing
   */
  async of(doing) {
    this.forget();
    const leaving = (this.#current = new AbortController());
    try {
      const value = await doing(leaving);
      return leaving === this.#current ? value : null;
    } catch (error) {
      if (leaving === this.#current) throw error;
      return null;
    }
  }

  forget() {
    this.#current?.abort();
    this.#current = null;
  }
}

export const isCancelled = (error) => error instanceof Problem && error.kind === "cancelled";
