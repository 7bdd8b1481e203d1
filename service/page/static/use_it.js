// The request just made as code, shown to be copied.

import { element } from "./element.js";
import { keys } from "./keys.js";
import { browser, curl, node, pythonClient, pythonHttpx } from "./snippets.js";

const ALL = [
  ["curl", curl],
  ["Python, with Bifocal's client", pythonClient],
  ["Python, with httpx", pythonHttpx],
  ["JavaScript, with Node.js", node],
  ["JavaScript, in a page", browser],
];

/**
 * Shows the request as code.
 * @param {Element} root
 * @param {object} request the `model` as the service tells of it, whether it `isOnly` one, the `example`, whether its pictures are `isScaled`.
 */
export function showUse(root, { model, isOnly, example, isScaled }) {
  root.replaceChildren(
    element("section", { class: "card", "aria-labelledby": "use-title" },
      element("h2", { id: "use-title" }, "Use it"),
      element("p", {}, "The request you just made, to copy. ", element("a", { href: "docs" }, "All of the API"), "."),
      ...notes(example, isScaled),
    ),
    ...ALL.map(([title, write]) => block(title, write(model, example, isOnly))),
  );
}

/** Before anything was asked. */
export function showNoUse(root) {
  root.replaceChildren(
    element("section", { class: "card" }, element("h2", {}, "Use it"),
      element("p", {}, "Make a request first: ", element("a", { href: "#try" }, "try it"), ". Here it will be as curl, Python and JavaScript, ready to copy.")),
  );
}

function notes(example, isScaled) {
  const pictures = [...example.values.values()].flatMap(({ picture }) => (picture ? [picture] : []));
  const unsaved = pictures.filter((picture) => !picture.isOnDisk);
  const found = unsaved.map((picture) =>
    element("p", { class: "hint" }, "The commands expect the picture as a file: ",
      element("a", { href: picture.address ?? URL.createObjectURL(picture.file), download: picture.file.name }, `save ${picture.file.name}`), "."));
  if (pictures.length > unsaved.length) found.push(element("p", { class: "hint" }, "Run them in the folder of the picture."));
  if (isScaled) found.push(element("p", { class: "hint" }, "They send the picture as it is; this page scaled it down, which may move a probability a little."));
  if (keys.areUsed) found.push(element("p", { class: "hint" }, "The key is read from the environment: BIFOCAL_KEY."));
  return found;
}

function block(title, text) {
  const code = element("code", {}, text);
  const copy = element("button", { type: "button", "aria-label": `Copy ${title}` }, "Copy");
  copy.addEventListener("click", async () => {
    copy.textContent = (await copied(text, code)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (copy.textContent = "Copy"), 2000);
  });
  return element("section", { class: "card snippet" },
    element("div", { class: "snippet-head" }, element("h3", {}, title), copy),
    element("pre", { tabindex: "0", "aria-label": title }, code));
}

/** Puts a text on the clipboard; where that is not allowed, selects it. */
async function copied(text, code) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  }
}
