// Why: heat maps over pictures, and how much each input moved the answer.

import { element, named } from "./element.js";
import { heatmapFigure } from "./heatmap.js";
import { MINUS, percent, points } from "./numbers.js";

/**
 * Shows the explanation of one head.
 * @param {Element} root
 * @param {object} why as the service answers it.
 * @param {Example} example that it is of.
 * @param {object} inputs of the model.
 */
export async function showExplanation(root, why, example, inputs) {
  const figures = Object.entries(why.heatmaps).map(([name, heatmap]) =>
    heatmapFigure(name, example.values.get(name).picture, heatmap, inputs[name]),
  );
  const drawn = await Promise.all(figures);
  root.replaceChildren(
    element("p", {}, "What moved ", element("strong", {}, named(why.label)), ` from ${percent(why.baseline)} with nothing given to ${percent(why.probability)}, in percentage points:`),
    shares(why, example),
    ...drawn,
  );
}

/** A bar an input, to the right if it spoke for the label and to the left if against it. */
function shares(why, example) {
  const given = Object.entries(why.shares).filter(([name]) => example.values.has(name));
  const largest = Math.max(0.01, ...given.map(([, share]) => Math.abs(share)));
  const isDiverging = given.some(([, share]) => points(share).startsWith(MINUS));
  const lengthOf = (share) => Math.abs(share) / largest / (isDiverging ? 2 : 1);
  return element("table", { class: "bars shares" },
    element("caption", { class: "visually-hidden" }, "How much each input moved the probability, in percentage points"),
    element("tbody", {}, given.map(([name, share]) =>
      element("tr", {},
        element("th", { scope: "row" }, named(name)),
        element("td", { class: isDiverging ? "bar-cell is-diverging" : "bar-cell" },
          element("span", { class: isDiverging && share < 0 ? "bar is-against" : "bar", variables: { share: lengthOf(share) } })),
        element("td", { class: "number" }, points(share)),
      ))),
  );
}
