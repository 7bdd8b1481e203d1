// The request just made, as commands and code to copy.

import { addressOf } from "./api.js";
import { keys } from "./keys.js";

/** In single quotes for a POSIX shell. */
export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The address that a model answers at. */
function address(model, isOnly) {
  const url = addressOf("predict");
  if (!isOnly) url.searchParams.set("model", model.name);
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
    `    prediction = client.predict(example${isOnly ? "" : `, model=${JSON.stringify(model.name)}`})`,
    ...(isOneLabel(model) ? ["    print(prediction.label, prediction.probability)"] : ["    for name, head in prediction.heads.items():", "        print(name, head.labels, head.probability)"]),
  ].join("\n");
}

/** Whether all that is answered is one label. */
const isOneLabel = ({ labels, thresholds }) => Object.keys(labels).length === 1 && Object.keys(thresholds).length === 0;

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

/** With Node.js alone. */
export function node(model, example, isOnly) {
  const readsFiles = picturesOf(example).length > 0;
  return [
    ...(readsFiles ? ['import { readFile } from "node:fs/promises";', ""] : []),
    ...fetched(address(model, isOnly), example, {
      contentOf: (input, file) => `new Blob([await readFile(${JSON.stringify(file)})])`,
      key: "process.env.BIFOCAL_KEY",
    }),
  ].join("\n");
}

/** In a page of one's own, with the files that its visitors choose. */
export function browser(model, example, isOnly) {
  const pictures = picturesOf(example);
  return [
    "// A page of another origin is let in by BIFOCAL_CORS_ORIGINS.",
    ...(pictures.length ? ["const fields = document.querySelectorAll(\"input[type='file']\");", "const files = [...fields].flatMap((field) => [...field.files]);"] : []),
    ...(keys.areUsed ? ['const key = prompt("Key"); // whoever reads the page would read a key in it, too'] : []),
    ...fetched(address(model, isOnly), example, { contentOf: (input) => `files[${pictures.indexOf(input)}]`, key: "key" }),
  ].join("\n");
}

/** The names of the inputs that a picture was given for. */
const picturesOf = (example) => [...example.values].filter(([, { picture }]) => picture).map(([name]) => name);

function fetched(url, example, { contentOf, key }) {
  const parts = [...example.values].map(([name, { picture, text }]) => {
    const content = picture ? `${contentOf(name, picture.file.name)}, ${JSON.stringify(picture.file.name)}` : JSON.stringify(text);
    return `form.append(${JSON.stringify(name)}, ${content});`;
  });
  return [
    "const form = new FormData();",
    ...parts,
    `const response = await fetch(${JSON.stringify(url)}, {`,
    '  method: "POST",',
    "  body: form,",
    ...(keys.areUsed ? [`  headers: { Authorization: \`Bearer \${${key}}\` },`] : []),
    "});",
    "if (!response.ok) throw new Error((await response.json()).detail);",
    "const { predictions } = await response.json();",
    "console.log(predictions[0].heads);",
  ];
}
