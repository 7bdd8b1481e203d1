// What is asked about: a value for each input that was given.

export class Example {
  /** @param {Map<string, {kind: string, picture?: Picture, text?: string}>} values */
  constructor(values) {
    this.values = values;
  }

  get isEmpty() {
    return this.values.size === 0;
  }

  /** Without some inputs, and with other texts. */
  changed({ without = new Set(), texts = new Map() }) {
    const kept = [...this.values].filter(([name]) => !without.has(name));
    return new Example(
      new Map(kept.map(([name, value]) => [name, texts.has(name) ? { ...value, text: texts.get(name) } : value])),
    );
  }

  /** Whether a picture of it is sent smaller than it is, if that may be. */
  isScaled(mayScale) {
    return mayScale && [...this.values.values()].some(({ picture }) => picture?.isLarge);
  }

  /** As a form, a part an input. */
  async form(mayScale) {
    const form = new FormData();
    for (const [name, { picture, text }] of this.values) {
      if (picture) form.append(name, await picture.sent(mayScale), picture.file.name);
      else form.append(name, text);
    }
    return form;
  }
}
