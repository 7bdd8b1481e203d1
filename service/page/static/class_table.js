// How well each label is told from the others; of many labels those that are looked for.

import { element, freshId, named } from "./element.js";
import { intervalCells } from "./metrics_table.js";
import { count, title } from "./numbers.js";
import { figuresTable } from "./table.js";

const COLUMNS = ["precision", "recall", "f1", "average_precision"];
const SHORT = { average_precision: "Avg. precision", f1: "F1" };
const MOST = 40;

export function classTable(classes) {
  // The worst first: that is what one comes here for. Of a label without a row nothing is known.
  const rank = ({ support, f1 }) => (support ? (f1?.value ?? 0) : 2);
  const ranked = Object.entries(classes).sort(([, one], [, other]) => rank(one) - rank(other));
  const heads = ["Label", "Rows", ...COLUMNS.map((name) => SHORT[name] ?? title(name))];
  heads.splice(heads.indexOf("F1") + 1, 0, "95 % interval");
  const table = figuresTable("Figures by label", heads, []);
  const told = element("p", { class: "hint", role: "status" });
  const id = freshId("label");
  const search = element("input", { type: "search", id, placeholder: "part of a name", autocomplete: "off" });
  const fill = () => {
    const found = ranked.filter(([label]) => label.toLowerCase().includes(search.value.trim().toLowerCase()));
    table.querySelector("tbody").replaceChildren(...found.slice(0, MOST).map(row));
    told.textContent = found.length > MOST ? `The ${MOST} with the lowest F1 of ${count(found.length)} labels.` : `${count(found.length)} labels, the lowest F1 first.`;
  };
  search.addEventListener("input", fill);
  fill();
  return element("div", { class: "by-label" },
    ranked.length > 10 ? element("div", { class: "field" }, element("label", { for: id }, "Find a label"), search) : null,
    told,
    table,
  );
}

function row([label, figures]) {
  return element("tr", {},
    element("th", { scope: "row" }, named(label)),
    element("td", { class: "number" }, count(figures.support)),
    COLUMNS.flatMap((name) => intervalCells(figures[name]).slice(0, name === "f1" ? 2 : 1)),
  );
}
