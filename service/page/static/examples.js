// Examples that the model brings, to be tried with a click.

import { element } from "./element.js";

/**
 * Shows them.
 * @param {Element} root
 * @param {object[]} examples instances, as `/predict` takes them in JSON.
 * @param {object} inputs of the model.
 * @param {(example: object, title: string) => void} onchoose
 */
export function showExamples(root, examples, inputs, onchoose) {
  const takesWords = Object.values(inputs).some(({ kind }) => kind !== "image");
  const buttons = examples.map((example, number) => {
    const [pictures, words] = [[], []];
    for (const [name, value] of Object.entries(example)) {
      if (value === null) continue;
      if (inputs[name]?.kind === "image") pictures.push(element("img", { src: value, alt: name, loading: "lazy" }));
      else words.push(Array.isArray(value) ? value.join(", ") : value);
    }
    const title = words.join(" · ");
    return element("button", { type: "button", class: "example", title, onclick: () => onchoose(example, `example-${number + 1}`) },
      pictures,
      takesWords ? element("span", {}, title || "no words") : null,
    );
  });
  root.replaceChildren();
  if (buttons.length) {
    root.append(element("p", { class: "field-name" }, "Examples"), element("div", { class: "examples" }, buttons));
  }
}
