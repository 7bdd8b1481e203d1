// How well each label is told from the others; of many labels those that are looked for.

import { element, freshId } from "./element.js";
import { intervalCells } from "./metrics_table.js";
import { count, title } from "./numbers.js";
import { scroller } from "./scroller.js";

const COLUMNS = ["precision", "recall", "f1", "average_precision"];
const SHORT = { average_precision: "Avg. precision", f1: "F1" };
const MOST = 40;

export function classTable(classes) {
  // The worst first: that is what one comes here for.
  const ranked = Object.entries(classes).sort(([, one], [, other]) => (one.f1?.value ?? 0) - (other.f1?.value ?? 0));
  const body = element("tbody");
  const told = element("p", { class: "hint", role: "status" });
  const id = freshId("label");
  const search = element("input", { type: "search", id, placeholder: "part of a name", autocomplete: "off" });
  const fill = () => {
    const found = ranked.filter(([label]) => label.toLowerCase().includes(search.value.trim().toLowerCase()));
    body.replaceChildren(...found.slice(0, MOST).map(row));
    told.textContent = found.length > MOST ? `The ${MOST} with the lowest F1 of ${count(found.length)} labels.` : `${count(found.length)} labels, the lowest F1 first.`;
  };
  search.addEventListener("input", fill);
  fill();
  const heads = ["Label", "Rows", ...COLUMNS.map((name) => SHORT[name] ?? title(name))];
  heads.splice(heads.indexOf("F1") + 1, 0, "95 % interval");
  return element("div", { class: "by-label" },
    ranked.length > 10 ? element("div", { class: "field" }, element("label", { for: id }, "Find a label"), search) : null,
    told,
    scroller("Figures by label",
      element("table", { class: "figures" }, element("thead", {}, element("tr", {}, heads.map((name) => element("th", { scope: "col" }, name)))), body)),
  );
}

function row([label, figures]) {
  return element("tr", {},
    element("th", { scope: "row" }, label),
    element("td", { class: "number" }, count(figures.support)),
    COLUMNS.flatMap((name) => intervalCells(figures[name]).slice(0, name === "f1" ? 2 : 1)),
  );
}
