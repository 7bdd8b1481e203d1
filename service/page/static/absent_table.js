// How the model does when an input is left out.

import { element } from "./element.js";
import { intervalCells } from "./metrics_table.js";
import { title } from "./numbers.js";
import { scroller } from "./scroller.js";

const SHOWN = ["accuracy", "macro_f1"];

/**
 * @param {object} whole figures with all inputs.
 * @param {object} absent figures by what is left out.
 */
export function absentTable(whole, absent) {
  const names = SHOWN.filter((name) => name in whole);
  // An input that is all of its kind is there twice, by its own name and by that of the kind.
  const seen = new Set();
  const others = Object.entries(absent).filter(([, figures]) => {
    const key = JSON.stringify(figures);
    return !seen.has(key) && seen.add(key);
  });
  const rows = [["nothing", whole], ...others].map(([name, figures]) =>
    element("tr", {}, element("th", { scope: "row" }, name), ...names.flatMap((one) => intervalCells(figures[one]))),
  );
  const heads = names.flatMap((name) => [element("th", { scope: "col" }, title(name)), element("th", { scope: "col" }, "95 % interval")]);
  return scroller("Figures with inputs left out",
    element("table", { class: "figures" }, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Left out"), ...heads)), element("tbody", {}, rows)),
  );
}
