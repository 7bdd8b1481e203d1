// The confusion matrix; of many labels the pairs that are confused most often.

import { element, named } from "./element.js";
import { count, percent } from "./numbers.js";
import { scroller } from "./scroller.js";
import { figuresTable } from "./table.js";

const MOST_LABELS = 24;
const MOST_PAIRS = 30;

/**
 * @param {string[]} labels
 * @param {number[][]} matrix rows by right label, columns by the one that the model gave.
 */
export function confusion(labels, matrix) {
  const pairs = pairsOf(labels, matrix);
  if (labels.length > MOST_LABELS) return tooMany(labels.length, pairs);
  return element("div", {}, element("p", { class: "hint" }, "Rows: what it is. Columns: what the model says."), square(labels, matrix), mostConfused(pairs));
}

/**
 * The same of so many labels that a model brings no matrix.
 *
 * @param {[string, string, number][]} pairs the right label, the one that the model gave, and of how many rows.
 * @param {Object<string, {support: number}>} classes the rows of each label.
 */
export function confused(pairs, classes) {
  const found = pairs.map(([right, said, number]) => ({ right, said, number, share: number / classes[right].support }));
  return tooMany(Object.keys(classes).length, found);
}

function tooMany(labels, pairs) {
  return element("div", {}, element("p", { class: "hint" }, `${count(labels)} labels are too many for a matrix; these are confused most often.`), mostConfused(pairs, { open: true }));
}

function square(labels, matrix) {
  const rows = matrix.map((row, right) => {
    const total = row.reduce((sum, one) => sum + one, 0) || 1;
    const cells = row.map((number, said) => {
      const kind = number === 0 ? "is-none" : said === right ? "is-right" : "is-wrong";
      return element("td", { class: `cell ${kind}${number / total > 0.5 ? " is-strong" : ""}`, variables: { share: number / total } }, String(number));
    });
    return element("tr", {}, element("th", { scope: "row", title: labels[right] }, element("bdi", {}, labels[right])), cells);
  });
  const heads = labels.map((label) => element("th", { scope: "col", title: label }, element("bdi", {}, label)));
  return scroller("Confusion matrix",
    element("table", { class: "confusion" },
      element("caption", { class: "visually-hidden" }, "Confusion matrix: rows are the right labels, columns those that the model gives"),
      element("thead", {}, element("tr", {}, element("td", {}), heads)),
      element("tbody", {}, rows),
    ));
}

function pairsOf(labels, matrix) {
  return matrix.flatMap((row, right) => {
    const total = row.reduce((sum, one) => sum + one, 0);
    return row.map((number, said) => ({ right: labels[right], said: labels[said], number, share: number / total })).filter((one) => one.number && one.said !== one.right);
  });
}

function mostConfused(pairs, { open = false } = {}) {
  if (!pairs.length) return element("p", {}, "Nothing was taken for anything else.");
  const shown = pairs.sort((one, other) => other.number - one.number || other.share - one.share).slice(0, MOST_PAIRS);
  const rows = shown.map(({ right, said, number, share }) =>
    element("tr", {}, element("th", { scope: "row" }, named(right)), element("td", {}, named(said)),
      element("td", { class: "number" }, count(number)), element("td", { class: "number" }, percent(share))));
  return element("details", { open },
    element("summary", {}, "Confused most often"),
    figuresTable("Labels that are confused most often", ["It is", element("th", { scope: "col", class: "of-words" }, "The model says"), "Rows", "Of its label"], rows),
  );
}
