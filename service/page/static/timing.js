// Where the time of a request went, from the answer's `Server-Timing`.

import { element } from "./element.js";
import { time } from "./numbers.js";

const STAGES = {
  parse: "reading the request",
  decode: "decoding pictures",
  queue: "waiting",
  infer: "the model",
  respond: "writing the answer",
};
const AROUND = "on the way";

/** The stages of a header as [name, milliseconds]. */
export function stagesOf(header) {
  return header.split(",").flatMap((part) => {
    const found = /^\s*([\w-]+)\s*;.*?dur=([\d.]+)/.exec(part);
    return found ? [[found[1], Number(found[2])]] : [];
  });
}

/** Shows who answered and where the time went. */
export function showTiming(root, { name, version }, { timing, milliseconds }) {
  const inside = stagesOf(timing).map(([stage, spent]) => [STAGES[stage] ?? stage, spent]);
  const around = Math.max(0, milliseconds - inside.reduce((sum, [, spent]) => sum + spent, 0));
  const all = [...inside, [AROUND, around]];
  const total = all.reduce((sum, [, spent]) => sum + spent, 0) || 1;
  root.replaceChildren(
    element("div", { class: "timing" },
      element("p", {}, `${name}, version ${version}, answered in `, element("span", { class: "number" }, time(milliseconds)), "."),
      element("div", { class: "stages", "aria-hidden": "true" },
        all.map(([, spent], place) => element("span", { class: `stage stage-${place}`, variables: { share: spent / total } })),
      ),
      element("ul", { class: "legend", "aria-label": "Where the time went" },
        all.map(([stage, spent], place) =>
          element("li", {}, element("span", { class: `swatch stage-${place}`, "aria-hidden": "true" }), `${stage} `, element("span", { class: "number" }, time(spent)))),
      ),
    ),
  );
}
