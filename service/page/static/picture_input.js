// A field for one picture: drop, paste, choose or photograph.

import { element, freshId, named } from "./element.js";
import { Picture } from "./picture.js";

export class PictureInput {
  #picture = null;
  #turn = 0;
  #reading = Promise.resolve();

  /**
   * @param {string} name of the input.
   * @param {object} how `mayScale()` whether large ones are scaled, `onchange` told of each change.
   */
  constructor(name, { mayScale, onchange }) {
    this.name = name;
    this.mayScale = mayScale;
    this.onchange = onchange;
    const [id, told] = [freshId("picture"), freshId("told")];
    const choose = (attributes) =>
      element("input", { type: "file", accept: "image/*", class: "visually-hidden", onchange: (event) => this.#chosen(event.target), ...attributes });
    this.file = choose({ id, "aria-describedby": told });
    this.camera = choose({ capture: "environment", tabindex: "-1", "aria-hidden": "true" });
    this.preview = element("img", { alt: "", hidden: true });
    this.told = element("p", { class: "hint", id: told }, HINT);
    this.remove = element("button", { type: "button", hidden: true, onclick: () => this.clear() }, "Remove");
    this.zone = element("div", { class: "drop-zone", tabindex: "-1" },
      this.preview,
      element("div", { class: "drop-zone-words" },
        element("div", { class: "actions" },
          this.file,
          element("label", { class: "button", for: id }, "Choose a picture"),
          this.camera,
          element("button", { type: "button", class: "with-camera", onclick: () => this.camera.click() }, "Take a photo"),
          this.remove,
        ),
        this.told,
      ),
    );
    this.#takeDrops();
    this.root = element("div", { class: "field", role: "group", "aria-labelledby": `${id}-name`, "data-input": name },
      element("p", { class: "field-name", id: `${id}-name` }, named(name)),
      this.zone,
    );
  }

  get picture() {
    return this.#picture;
  }

  get value() {
    return this.#picture ? { kind: "image", picture: this.#picture } : null;
  }

  /** Takes a file that was chosen, dropped or pasted. */
  take(file, options) {
    const turn = ++this.#turn;
    this.#reading = Picture.of(file, options).then((picture) => {
      if (turn === this.#turn) this.set(picture);
    });
  }

  /** Resolves when what was chosen has been read. */
  get isRead() {
    return this.#reading;
  }

  set(picture) {
    this.#turn++;
    this.#picture = picture;
    this.preview.hidden = !picture?.address;
    if (picture?.address) this.preview.src = picture.address;
    else this.preview.removeAttribute("src");
    this.preview.alt = picture ? `The chosen picture, ${picture.file.name}` : "";
    this.remove.hidden = !picture;
    this.describe();
    this.onchange();
  }

  clear() {
    for (const field of [this.file, this.camera]) field.value = ""; // so that the same file can be chosen again
    this.set(null);
  }

  /** Says anew what is chosen and what becomes of it. */
  describe() {
    this.told.textContent = this.#picture ? this.#picture.described(this.mayScale()) : HINT;
  }

  #chosen(field) {
    if (field.files.length) this.take(field.files[0]);
  }

  #takeDrops() {
    const light = (isOver) => this.zone.classList.toggle("is-over", isOver);
    for (const kind of ["dragenter", "dragover"]) {
      this.zone.addEventListener(kind, (event) => {
        event.preventDefault();
        light(true);
      });
    }
    this.zone.addEventListener("dragleave", () => light(false));
    this.zone.addEventListener("drop", (event) => {
      event.preventDefault();
      light(false);
      const [file] = event.dataTransfer.files;
      if (file) this.take(file);
      else this.told.textContent = NO_FILE;
    });
  }
}

const HINT = "Or drop one here, or paste it.";
const NO_FILE = "What was dropped is no file, perhaps only the address of a picture. Save the picture first, or copy and paste it.";
