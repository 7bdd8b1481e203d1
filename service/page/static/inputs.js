// The fields for what a model takes, made from what it says of its inputs.

import { element, freshId, named } from "./element.js";
import { Example } from "./example.js";
import { Picture } from "./picture.js";
import { PictureInput } from "./picture_input.js";

export class Inputs {
  #fields = new Map();

  /**
   * @param {Element} root holds the fields.
   * @param {object} how `mayScale()` whether large pictures are scaled, `onchange` told of each change.
   */
  constructor(root, { mayScale, onchange }) {
    this.root = root;
    this.mayScale = mayScale;
    this.onchange = onchange;
    document.addEventListener("paste", (event) => this.#paste(event));
    // A file that misses its place would otherwise be opened instead of the page.
    for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
  }

  /** Makes the fields; one that is there already stays, with what was entered. */
  build(inputs) {
    const before = this.#fields;
    const fieldOf = (name, about) => (before.get(name)?.about === JSON.stringify(about) ? before.get(name) : this.#field(name, about));
    this.#fields = new Map(Object.entries(inputs).map(([name, about]) => [name, fieldOf(name, about)]));
    this.root.replaceChildren(...[...this.#fields.values()].map((field) => field.root));
  }

  /** The example that was entered; a text without a word counts as left out. */
  get example() {
    const given = [...this.#fields].map(([name, field]) => [name, field.value]).filter(([, value]) => value);
    return new Example(new Map(given));
  }

  get pictures() {
    return [...this.#fields.values()].filter((field) => field instanceof PictureInput);
  }

  /** Fills in an instance, as `/predict` takes it in JSON. */
  async fill(instance, title) {
    for (const [name, field] of this.#fields) {
      const value = instance[name] ?? null;
      if (!(field instanceof PictureInput)) field.set(value);
      else field.set(value === null ? null : await Picture.ofDataUrl(value, `${title}-${name}`));
    }
  }

  clear() {
    for (const field of this.#fields.values()) field.clear();
  }

  #field(name, about) {
    const isPicture = about.kind === "image";
    const field = isPicture ? new PictureInput(name, { mayScale: this.mayScale, onchange: this.onchange }) : new WordInput(name, about, this.onchange);
    return Object.assign(field, { about: JSON.stringify(about) });
  }

  #paste(event) {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!file || !this.pictures.length || this.root.closest("[hidden]")) return;
    // Office programs put a picture of the words beside them: who writes wants the words.
    if (event.target.closest("textarea, input") && event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    const focused = this.pictures.find((field) => field.root.contains(document.activeElement));
    const empty = this.pictures.find((field) => !field.picture);
    (focused ?? empty ?? this.pictures[0]).take(file, { isOnDisk: false });
  }
}

/** A field for a text, or for tags. */
class WordInput {
  constructor(name, { kind, delimiter }, onchange) {
    const id = freshId("words");
    this.kind = kind;
    this.delimiter = delimiter;
    const attributes = { id, name, dir: "auto", autocomplete: "off", oninput: onchange };
    const isTags = kind === "tags";
    this.control = isTags
      ? element("input", { type: "text", "aria-describedby": `${id}-hint`, ...attributes })
      : element("textarea", { rows: 3, ...attributes });
    this.onchange = onchange;
    this.root = element("div", { class: "field", "data-input": name },
      element("label", { class: "field-name", for: id }, named(name)),
      this.control,
      isTags ? element("p", { class: "hint", id: `${id}-hint` }, `Tags, separated by “${delimiter}”.`) : null,
    );
  }

  get value() {
    const text = this.control.value;
    return text.trim() ? { kind: this.kind, text, delimiter: this.delimiter } : null;
  }

  set(value) {
    this.control.value = Array.isArray(value) ? value.join(this.delimiter) : (value ?? "");
    this.onchange();
  }

  clear() {
    this.set("");
  }
}
