// Figures of groups of rows, by the values of a column.

import { element } from "./element.js";
import { intervalCells } from "./metrics_table.js";
import { count, title } from "./numbers.js";
import { scroller } from "./scroller.js";

const SHOWN = ["accuracy", "macro_f1"];

export function sliceTables(slices) {
  return Object.entries(slices).map(([column, values]) => {
    const rows = Object.entries(values).map(([value, figures]) => {
      const metrics = figures.metrics ?? figures;
      return element("tr", {}, element("th", { scope: "row" }, value),
        element("td", { class: "number" }, figures.examples === undefined ? "" : count(figures.examples)),
        ...SHOWN.filter((name) => name in metrics).flatMap((name) => intervalCells(metrics[name])));
    });
    const heads = [column, "Rows", ...SHOWN.flatMap((name) => [title(name), "95 % interval"])];
    return scroller(`By ${column}`,
      element("table", { class: "figures" }, element("thead", {}, element("tr", {}, heads.map((name) => element("th", { scope: "col" }, name)))), element("tbody", {}, rows)));
  });
}
