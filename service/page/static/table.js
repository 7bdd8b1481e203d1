// Tables of figures, one look for all.

import { element } from "./element.js";
import { scroller } from "./scroller.js";

/**
 * A table that scrolls in its place.
 * @param {string} name of what it holds, to be read out.
 * @param {(string|Node)[]} heads of the columns; a text, or a cell of its own making.
 * @param {Element[]} rows
 * @param {object} more `caption`, and a `look` beside that of all.
 */
export function figuresTable(name, heads, rows, { caption = null, look = "" } = {}) {
  const cells = heads.map((head) => (typeof head === "string" ? element("th", { scope: "col" }, head) : head));
  return scroller(name,
    element("table", { class: `figures ${look}`.trim() },
      caption ? element("caption", {}, caption) : null,
      element("thead", {}, element("tr", {}, cells)),
      element("tbody", {}, rows)));
}

/** The head of a column that a narrow screen leaves out. */
export const wideHead = (name) => element("th", { scope: "col", class: "wide-only" }, name);
