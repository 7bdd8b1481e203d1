// The request just made, as commands and code to copy.

import { addressOf } from "./api.js";
import { element } from "./element.js";
import { keys } from "./keys.js";

/** In single quotes for a POSIX shell. */
export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The address that a model answers at. */
function address(model, isOnly) {
  const url = addressOf("predict");
  if (!isOnly) url.searchParams.set("model", model);
  return url.href;
}

/** A command for a shell. Texts go by --form-string: -F would read one that begins with @ or < from a file. */
export function curl(model, example, isOnly) {
  const parts = [...example.values].map(([name, { picture, text }]) => {
    if (!picture) return `--form-string ${quoted(`${name}=${text}`)}`;
    const file = picture.file.name;
    // Within quotes of its own, as a comma or semicolon would end the name.
    const plain = /^[\w./-]+$/.test(file) ? file : `"${file.replace(/[\\"]/g, "\\$&")}"`;
    return `-F ${quoted(`${name}=@${plain}`)}`;
  });
  const key = keys.areUsed ? ['-H "Authorization: Bearer $BIFOCAL_KEY"'] : [];
  return [`curl ${quoted(address(model, isOnly))}`, ...key, ...parts].join(" \\\n  ");
}

/** With the project's own client. */
export function pythonClient(model, example, isOnly) {
  const values = [...example.values].map(([name, { picture, text }]) =>
    `    ${JSON.stringify(name)}: ${picture ? `Path(${JSON.stringify(picture.file.name)})` : JSON.stringify(text)},`);
  const root = JSON.stringify(addressOf(".").href.replace(/\/$/, ""));
  return [
    ...(keys.areUsed ? ["import os"] : []),
    "from pathlib import Path",
    "",
    "from service.client import Client",
    "",
    "example = {",
    ...values,
    "}",
    `with Client(${root}${keys.areUsed ? ', api_key=os.environ["BIFOCAL_KEY"]' : ""}) as client:`,
    `    prediction = client.predict(example${isOnly ? "" : `, model=${JSON.stringify(model)}`})`,
    "    print(prediction.label, prediction.probability)",
  ].join("\n");
}

/** With httpx alone. */
export function pythonHttpx(model, example, isOnly) {
  const values = [...example.values];
  const files = values.filter(([, { picture }]) => picture);
  const parts = [
    ...files.map(([name, { picture }]) => `    (${JSON.stringify(name)}, (${JSON.stringify(picture.file.name)}, open(${JSON.stringify(picture.file.name)}, "rb"))),`),
    // A part without a file name: sent as a form all the same.
    ...values.filter(([, { picture }]) => !picture).map(([name, { text }]) => `    (${JSON.stringify(name)}, (None, ${JSON.stringify(text)}.encode())),`),
  ];
  return [
    ...(keys.areUsed ? ["import os", ""] : []),
    "import httpx",
    "",
    "parts = [",
    ...parts,
    "]",
    `answer = httpx.post(${JSON.stringify(address(model, isOnly))}, files=parts${keys.areUsed ? ', headers={"Authorization": f"Bearer {os.environ[\'BIFOCAL_KEY\']}"}' : ""})`,
    "answer.raise_for_status()",
    'print(answer.json()["predictions"][0]["heads"])',
  ].join("\n");
}

/** With fetch, as browsers and Node.js have it. */
export function javascript(model, example, isOnly) {
  const values = [...example.values];
  const parts = values.map(([name, { picture, text }]) =>
    picture
      ? `form.append(${JSON.stringify(name)}, file, ${JSON.stringify(picture.file.name)}); // a File or Blob`
      : `form.append(${JSON.stringify(name)}, ${JSON.stringify(text)});`);
  return [
    "const form = new FormData();",
    ...parts,
    `const response = await fetch(${JSON.stringify(address(model, isOnly))}, {`,
    '  method: "POST",',
    "  body: form,",
    ...(keys.areUsed ? ["  headers: { Authorization: `Bearer ${key}` },"] : []),
    "});",
    "if (!response.ok) throw new Error((await response.json()).detail);",
    "const { predictions } = await response.json();",
    "console.log(predictions[0].heads);",
  ].join("\n");
}

/** Shows all of them for an example. */
export function showSnippets(root, model, example, isOnly) {
  const all = [
    ["curl", curl],
    ["Python, with Bifocal's client", pythonClient],
    ["Python, with httpx", pythonHttpx],
    ["JavaScript", javascript],
  ];
  root.replaceChildren(
    element("section", { class: "card", "aria-labelledby": "use-title" },
      element("h2", { id: "use-title" }, "Use it"),
      element("p", {}, "The request you just made, to copy. ", element("a", { href: "docs" }, "All of the API"), "."),
      ...notes(example),
    ),
    ...all.map(([title, write]) => block(title, write(model, example, isOnly))),
  );
}

/** Before anything was asked. */
export function showNoSnippets(root) {
  root.replaceChildren(
    element("section", { class: "card" }, element("h2", {}, "Use it"),
      element("p", {}, "Make a request first: ", element("a", { href: "#try" }, "try it"), ". Here it will be as curl, Python and JavaScript, ready to copy.")),
  );
}

function notes(example) {
  const pictures = [...example.values.values()].flatMap(({ picture }) => (picture ? [picture] : []));
  const unsaved = pictures.filter((picture) => !picture.isOnDisk);
  const found = unsaved.map((picture) =>
    element("p", { class: "hint" }, "The commands expect the picture as a file: ",
      element("a", { href: picture.address ?? URL.createObjectURL(picture.file), download: picture.file.name }, `save ${picture.file.name}`), "."));
  if (pictures.length > unsaved.length) found.push(element("p", { class: "hint" }, "Run them in the folder of the picture."));
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
