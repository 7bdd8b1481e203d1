// The reliability diagram: how often the model was right, by how sure it was.

import { drawn, element } from "./element.js";
import { count, percent } from "./numbers.js";
import { figuresTable } from "./table.js";

const SIDE = 260;
const MARGIN = { left: 44, bottom: 40, top: 30, right: 26 };

/** @param {object[]} bins low, high, count, confidence, accuracy. */
export function reliability(bins) {
  const filled = bins.filter((bin) => bin.count > 0);
  return element("div", { class: "reliability" }, diagram(filled), table(filled));
}

function diagram(bins) {
  const x = (value) => MARGIN.left + value * SIDE;
  const y = (value) => MARGIN.top + (1 - value) * SIDE;
  const largest = Math.max(...bins.map((bin) => bin.count), 1);
  const ticks = [0, 0.5, 1];
  const text = (at, words, anchor = "middle") => drawn("text", { x: at[0], y: at[1], "text-anchor": anchor }, words);
  return drawn("svg", { class: "diagram", viewBox: `0 0 ${SIDE + MARGIN.left + MARGIN.right} ${SIDE + MARGIN.top + MARGIN.bottom}`, role: "img", "aria-label": "Reliability diagram; the table beside it has its numbers" },
    ticks.map((tick) => drawn("line", { class: "grid", x1: x(0), x2: x(1), y1: y(tick), y2: y(tick) })),
    drawn("line", { class: "ideal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
    bins.map((bin) => drawn("line", { class: "gap", x1: x(bin.confidence), x2: x(bin.confidence), y1: y(bin.confidence), y2: y(bin.accuracy) })),
    // As large in area as the bin has rows.
    bins.map((bin) => drawn("circle", { class: "dot", cx: x(bin.confidence), cy: y(bin.accuracy), r: 3 + 8 * Math.sqrt(bin.count / largest) })),
    ticks.map((tick) => text([x(tick), y(0) + 18], `${100 * tick} %`)),
    ticks.map((tick) => text([x(0) - 6, y(tick) + 4], `${100 * tick} %`, "end")),
    text([x(0.5), y(0) + 36], "how sure it was"),
    text([0, 12], "how often it was right", "start"),
  );
}

function table(bins) {
  const rows = bins.map((bin) =>
    element("tr", {}, element("th", { scope: "row", class: "number" }, percent(bin.confidence)),
      element("td", { class: "number" }, percent(bin.accuracy)), element("td", { class: "number" }, count(bin.count))));
  return figuresTable("How often it was right, by how sure it was", ["Sure", "Right", "Rows"], rows);
}
