// Figures of groups of rows, by the values of a column.

import { element, named } from "./element.js";
import { intervalCells, intervalHeads } from "./metrics_table.js";
import { count } from "./numbers.js";
import { figuresTable } from "./table.js";

const SHOWN = ["accuracy", "macro_f1"];

export function sliceTables(slices) {
  return Object.entries(slices).map(([column, values]) => {
    const rows = Object.entries(values).map(([value, figures]) => {
      const metrics = figures.metrics ?? figures;
      return element("tr", {}, element("th", { scope: "row" }, named(value)),
        element("td", { class: "number" }, figures.examples === undefined ? "" : count(figures.examples)),
        ...SHOWN.filter((name) => name in metrics).flatMap((name) => intervalCells(metrics[name])));
    });
    return figuresTable(`By ${column}`, [column, "Rows", ...SHOWN.flatMap(intervalHeads)], rows);
  });
}
