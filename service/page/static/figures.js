// How well the model does: its own figures, as training measured them on rows that it had not seen.

import { absentTable } from "./absent_table.js";
import { classTable } from "./class_table.js";
import { confused, confusion } from "./confusion.js";
import { element } from "./element.js";
import { metricsTable } from "./metrics_table.js";
import { count, percent } from "./numbers.js";
import { reliability } from "./reliability.js";
import { sliceTables } from "./slice_tables.js";

/** Shows all figures of a model. */
export function showFigures(root, model) {
  const heads = Object.entries(model.metrics);
  const parts = heads.flatMap(([name, figures]) => head(model, name, figures, heads.length > 1));
  root.replaceChildren(summary(model), ...parts, ...modelCard(model));
}

function summary(model) {
  const rows = Object.entries(model.training_data.rows ?? {}).map(([split, number]) => `${count(number)} ${split}`);
  const created = model.created ? new Date(model.created).toLocaleDateString(undefined, { dateStyle: "long" }) : null;
  const answering = model.versions.find((version) => version.state === "ready");
  return element("section", { class: "card", "aria-labelledby": "figures-title" },
    element("h2", { id: "figures-title" }, "How well it does"),
    element("p", {}, [`${model.name}${answering ? `, version ${answering.version}` : ""}`, created ? `trained ${created}` : null, rows.length ? `rows: ${rows.join(", ")}` : null].filter(Boolean).join("; "), "."),
    model.comparison?.sentence ? element("p", { class: "verdict" }, model.comparison.sentence) : null,
    Object.keys(model.metrics).length ? null : element("p", { class: "quiet" }, "This model brings no figures."),
  );
}

function head(model, name, figures, isOneOfMany) {
  const titled = (title) => (isOneOfMany ? `${name}: ${title}` : title);
  const always = figures.commonest?.length ? figures.commonest.join(", ") : "no label";
  return [
    figures.metrics
      ? card(titled("Figures"), `On ${count(figures.examples)} test rows, with 95 % intervals. Always answering “${always}” would have an accuracy of ${percent(figures.majority)}.`, metricsTable(figures.metrics))
      : null,
    Object.keys(figures.absent ?? {}).length
      ? card(titled("With inputs left out"), "The same rows with one input withheld from each.", absentTable(figures.metrics, figures.absent, model.inputs))
      : null,
    figures.confusion ? card(titled("What is taken for what"), null, confusion(model.labels[name], figures.confusion)) : null,
    figures.confused ? card(titled("What is taken for what"), null, confused(figures.confused, figures.classes)) : null,
    figures.reliability
      ? card(titled("Can its probabilities be believed?"), "How often it was right, by how sure it was. On the diagonal it is as often right as it says.", reliability(figures.reliability))
      : null,
    figures.classes ? card(titled("By label"), null, classTable(figures.classes)) : null,
    figures.slices ? card(titled("By groups of rows"), null, ...sliceTables(figures.slices)) : null,
  ].filter(Boolean);
}

function card(title, words, ...content) {
  return element("section", { class: "card" }, element("h3", {}, title), words ? element("p", { class: "hint" }, words) : null, ...content);
}

function modelCard(model) {
  if (!model.model_card) return [];
  return [
    element("details", { class: "card" }, element("summary", {}, "Model card"),
      element("pre", { class: "text", tabindex: "0", "aria-label": "Model card" }, model.model_card)),
  ];
}
