// How the model does when an input is left out.

import { element } from "./element.js";
import { intervalCells } from "./metrics_table.js";
import { title } from "./numbers.js";
import { scroller } from "./scroller.js";

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
    element("tr", {}, element("th", { scope: "row" }, name), ...names.flatMap((one) => intervalCells(figures[one]))),
  );
  const heads = names.flatMap((name) => [element("th", { scope: "col" }, title(name)), element("th", { scope: "col" }, "95 % interval")]);
  return scroller("Figures with inputs left out",
    element("table", { class: "figures" }, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Left out"), ...heads)), element("tbody", {}, rows)),
  );
}
