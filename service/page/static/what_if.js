// What if an input, or a word, were not there: what is switched off, and what that changes.

import * as api from "./api.js";
import { element, named } from "./element.js";
import { MINUS, percent, points } from "./numbers.js";
import { Latest } from "./progress.js";
import { showProblem } from "./problems.js";
import { figuresTable, wideHead } from "./table.js";
import { weightsOf, withoutWords, wordsOf } from "./words.js";

const SHOWN = 5;
// Weights are coloured against the largest; if that is less than a point, none is strong.
const SLIGHT = 0.01;
// By the sign of a change; one that rounds to nothing looks like nothing.
const LOOKS = { "+": "is-more", [MINUS]: "is-less" };

export class WhatIf {
  #latest = new Latest();

  /**
   * @param {object} places `root`, `choices`, `problem` and `change`.
   * @param {() => boolean} mayScale whether large pictures are scaled.
   */
  constructor(places, mayScale) {
    this.places = places;
    this.mayScale = mayScale;
  }

  /** Starts from an example and its answer. */
  begin(model, example, prediction) {
    Object.assign(this, { model, example, before: prediction.heads, tokens: {} });
    this.#putBack();
    const [first, ...others] = example.values.values();
    this.places.root.hidden = first.kind === "image" && !others.length; // there is nothing to switch off
  }

  /** Takes the weights of the words, once they are known; what is switched off stays so. */
  weigh(tokens) {
    this.tokens = tokens;
    this.#offer();
  }

  hide() {
    this.#latest.forget();
    this.places.root.hidden = true;
  }

  #putBack() {
    this.#latest.forget();
    this.inputs = new Set();
    this.words = new Map();
    this.places.change.replaceChildren();
    showProblem(this.places.problem, null);
    this.#offer();
  }

  #offer() {
    const values = [...this.example.values];
    const texts = values.filter(([, value]) => value.kind !== "image");
    const weights = new Map(texts.map(([name, value]) => [name, this.tokens[name]?.length ? weightsOf(wordsOf(value), this.tokens[name]) : null]));
    const largest = Math.max(SLIGHT, ...[...weights.values()].flatMap((found) => found ?? []).map(Math.abs)); // of all texts, so that they compare
    const mayDrop = values.length > 1; // without its only input there would be nothing to ask about
    const toggles = values.filter(() => mayDrop).map(([name]) =>
      element("button", { type: "button", class: "toggle", "aria-pressed": "true", "data-drop": name, onclick: (event) => this.#toggleInput(event.currentTarget, name) }, named(name)),
    );
    const isWeighed = [...weights.values()].some(Boolean);
    this.places.choices.replaceChildren(
      element("p", { class: "hint" }, mayDrop ? "Switch off an input or a word, and see what changes." : "Switch off a word, and see what changes.", isWeighed ? " Under each word: how many points it moved the answer, against a word that the model does not know." : ""),
      ...(mayDrop ? [element("div", { class: "actions", role: "group", "aria-label": "Inputs" }, toggles)] : []),
      ...texts.map(([name, value]) => this.#wordList(name, value, weights.get(name), largest)),
    );
    for (const button of this.places.choices.querySelectorAll("[data-drop]")) press(button, !this.inputs.has(button.dataset.drop));
  }

  #wordList(name, value, weights, largest) {
    const words = wordsOf(value);
    const tokens = this.tokens[name] ?? [];
    const dropped = this.words.get(name) ?? new Set();
    const buttons = words.map((word, place) => {
      const weight = weights?.[place] ?? 0;
      const toggle = (event) => this.#toggleWord(event.currentTarget, name, place);
      return element("button",
        { type: "button", class: weight < 0 ? "word is-against" : "word", "aria-pressed": String(!dropped.has(place)), variables: { weight: Math.abs(weight) / largest }, onclick: toggle },
        word.text,
        weights ? element("small", {}, points(weight)) : null,
      );
    });
    return element("div", { class: "word-list", role: "group", "aria-label": `Words of ${name}`, "data-words": name },
      element("p", { class: "field-name" }, named(name)),
      element("div", { class: "words", dir: "auto" }, buttons),
      weights || !tokens.length ? null : readTokens(tokens),
    );
  }

  #toggleInput(button, name) {
    toggleIn(this.inputs, name);
    press(button, !this.inputs.has(name));
    this.#ask();
  }

  #toggleWord(button, name, place) {
    if (!this.words.has(name)) this.words.set(name, new Set());
    toggleIn(this.words.get(name), place);
    press(button, !this.words.get(name).has(place));
    this.#ask();
  }

  get #isChanged() {
    return this.inputs.size > 0 || [...this.words.values()].some((dropped) => dropped.size > 0);
  }

  async #ask() {
    showProblem(this.places.problem, null);
    if (!this.#isChanged) {
      this.#latest.forget();
      this.places.change.replaceChildren();
      return;
    }
    const texts = new Map([...this.words].map(([name, dropped]) => [name, withoutWords(this.example.values.get(name), dropped)]));
    const changed = this.example.changed({ without: this.inputs, texts });
    try {
      const form = await changed.form(this.mayScale());
      const answer = await this.#latest.of(({ signal }) => api.predict(this.model, form, { signal }));
      if (answer) this.#show(answer.data.predictions[0].heads);
    } catch (problem) {
      this.places.change.replaceChildren();
      showProblem(this.places.problem, problem);
    }
  }

  #show(after) {
    const tables = Object.entries(after).map(([name, head]) => changeTable(name, this.before[name], head));
    const back = element("button", { type: "button", onclick: () => this.#putBack() }, "Put all back");
    this.places.change.replaceChildren(...tables, back);
  }
}

/** The labels that were or are most probable: before, after, and the difference. */
function changeTable(name, before, after) {
  const labels = [...new Set([...before.labels, ...after.labels, ...before.top, ...after.top].map((one) => one.label ?? one))];
  const largest = (label) => Math.max(before.probabilities[label], after.probabilities[label]);
  const isGiven = (label) => before.labels.includes(label) || after.labels.includes(label); // always shown: the caption speaks of them
  const shown = labels.sort((one, other) => isGiven(other) - isGiven(one) || largest(other) - largest(one)).slice(0, SHOWN);
  const isOther = [...before.labels].sort().join("\n") !== [...after.labels].sort().join("\n");
  const rows = shown.map((label) => {
    const [was, is] = [before.probabilities[label], after.probabilities[label]];
    return element("tr", {},
      element("th", { scope: "row" }, named(label)),
      element("td", { class: "number wide-only" }, percent(was)),
      element("td", { class: "number" }, percent(is)),
      element("td", { class: `number ${LOOKS[points(is - was).charAt(0)] ?? ""}` }, points(is - was)),
    );
  });
  const caption = element("span", {}, named(name), ": ", isOther ? [...listed(before.labels), " became "] : "still ", element("strong", {}, ...listed(after.labels)));
  return figuresTable(`What changed: ${name}`, ["Label", wideHead("Before"), "Now", "Points"], rows, { caption, look: "changes" });
}

/** Labels that a head gives: one, or of a multi-label head any number. */
const listed = (labels) => (labels.length ? labels.flatMap((label, place) => (place ? [", ", named(label)] : [named(label)])) : ["no label"]);

/** Tokens that are not to be found in the words again, as hashed or overlapping ones: shown as the model read them. */
function readTokens(tokens) {
  const largest = Math.max(SLIGHT, ...tokens.map(({ weight }) => Math.abs(weight)));
  const marks = tokens.map(({ token, weight }) =>
    element("span", { class: weight < 0 ? "token is-against" : "token", variables: { weight: Math.abs(weight) / largest } }, token, element("small", {}, points(weight))),
  );
  return element("details", {}, element("summary", {}, "As the model read it"), element("div", { class: "words", dir: "auto" }, marks));
}

const press = (button, isOn) => button.setAttribute("aria-pressed", String(isOn));

function toggleIn(set, item) {
  if (!set.delete(item)) set.add(item);
}
