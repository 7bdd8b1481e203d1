// How the model does when an input is left out.

import { element, named } from "./element.js";
import { intervalCells, intervalHeads } from "./metrics_table.js";
import { figuresTable } from "./table.js";

const SHOWN = ["accuracy", "macro_f1"];

/**
 * @param {object} whole figures with all inputs.
 * @param {object} absent figures by what is left out: an input, or all pictures or all words.
 * @param {Object<string, {kind: string}>} inputs of the model.
 */
export function absentTable(whole, absent, inputs) {
  const names = SHOWN.filter((name) => name in whole);
  const pictures = Object.values(inputs).filter(({ kind }) => kind === "image").length;
  const several = { picture: pictures > 1, words: Object.keys(inputs).length - pictures > 1 };
  const others = Object.entries(absent).filter(([name]) => name in inputs || several[name]);
  const rows = [["nothing", whole], ...others].map(([name, figures]) =>
    element("tr", {}, element("th", { scope: "row" }, named(name)), ...names.flatMap((one) => intervalCells(figures[one]))),
  );
  return figuresTable("Figures with inputs left out", ["Left out", ...names.flatMap(intervalHeads)], rows);
}
