// What the model says: for each head its first choices as bars with numbers.

import { element, named } from "./element.js";
import { count, percent } from "./numbers.js";

/** Shows a prediction: one part a head. */
export function showPredictions(root, prediction, { thresholds }) {
  const heads = Object.entries(prediction.heads);
  const parts = heads.map(([name, head]) => [
    heads.length > 1 ? element("h3", {}, named(name)) : null,
    firstChoice(head, thresholds[name]),
    bars(head),
  ]);
  const absent = prediction.absent.length
    ? element("p", { class: "quiet" }, `Left out: ${prediction.absent.join(", ")}.`)
    : null;
  root.replaceChildren(...parts.flat().filter(Boolean), ...(absent ? [absent] : []));
}

/** A prediction in a sentence, to be read out. */
export function spoken(prediction) {
  const said = ({ labels, probabilities }) => labels.map((label) => `${label}, ${percent(probabilities[label])}`).join("; ") || "no label reaches its threshold";
  return Object.entries(prediction.heads).map(([name, head]) => `${name}: ${said(head)}.`).join(" ");
}

function firstChoice(head, thresholds) {
  if (!isMultiLabel(head, thresholds)) {
    return element("p", { class: "first-choice" }, element("strong", {}, named(head.label)), element("span", { class: "number" }, percent(head.probability)));
  }
  if (!head.labels.length) return element("p", { class: "first-choice" }, "No label reaches its threshold.");
  return element("p", { class: "first-choice" }, ...head.labels.map((label) => element("span", { class: "chip is-accent" }, named(label))));
}

const isMultiLabel = (head, thresholds) => Boolean(thresholds) || head.labels.length !== 1 || head.labels[0] !== head.label;

function bars(head) {
  const body = element("tbody");
  const fill = (labels) => body.replaceChildren(...labels.map((one) => bar(one, head.labels.includes(one.label))));
  fill(head.top);
  const total = Object.keys(head.probabilities).length;
  const table = element("table", { class: "bars" },
    element("thead", { class: "visually-hidden" }, element("tr", {}, ...["Label", "Bar", "Probability"].map((name) => element("th", { scope: "col" }, name)))),
    body,
  );
  if (total <= head.top.length) return table;
  const all = element("button", { type: "button", class: "plain" }, `All ${count(total)} labels`);
  all.addEventListener("click", () => {
    const ranked = Object.entries(head.probabilities).map(([label, probability]) => ({ label, probability }));
    fill(ranked.sort((one, other) => other.probability - one.probability));
    all.remove();
  });
  return element("div", { class: "bars-holder" }, table, all);
}

function bar({ label, probability }, isGiven) {
  return element("tr", { class: isGiven ? "is-given" : null },
    element("th", { scope: "row" }, named(label)),
    element("td", { class: "bar-cell" }, element("span", { class: "bar", variables: { share: probability } })),
    element("td", { class: "number" }, percent(probability)),
  );
}
