// Figures with their intervals.

import { element } from "./element.js";
import { figure, title } from "./numbers.js";
import { figuresTable, wideHead } from "./table.js";

/** A figure and its interval as table cells. */
export function intervalCells(measured) {
  if (!measured) return [element("td", { class: "number" }, "–"), element("td", { class: "number quiet" }, "not defined")];
  return [
    element("td", { class: "number" }, figure(measured.value)),
    element("td", { class: "number quiet" }, `${figure(measured.low)} to ${figure(measured.high)}`),
  ];
}

/** The heads over them. */
export const intervalHeads = (name) => [title(name), "95 % interval"];

const LOWER_IS_BETTER = new Set(["log_loss", "brier", "ece"]);

export function metricsTable(metrics) {
  const rows = Object.entries(metrics).map(([name, measured]) =>
    element("tr", {},
      element("th", { scope: "row" }, title(name), LOWER_IS_BETTER.has(name) ? element("span", { class: "hint" }, ", lower is better") : null),
      ...intervalCells(measured),
      element("td", { class: "wide-only", "aria-hidden": "true" }, measured && name !== "log_loss" ? range(measured) : null),
    ));
  return figuresTable("Figures", ["Figure", "Value", "95 % interval", wideHead("From 0 to 1")], rows);
}

/** From 0 to 1: the interval as a line, the value as a dot. One that goes beyond 1 has none. */
function range({ value, low, high }) {
  if (high > 1) return null;
  return element("span", { class: "range", variables: { low, high, value } });
}
