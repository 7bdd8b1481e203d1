// What is asked about the inputs as they are, and what comes of it: the answer, why, what if, and the request as code.

import * as api from "./api.js";
import { byId, element } from "./element.js";
import { showExplanation } from "./explanation.js";
import { showPredictions, spoken } from "./predictions.js";
import { isCancelled, Latest, shown } from "./progress.js";
import { isAboutKeys, Problem, showProblem } from "./problems.js";
import { showTiming } from "./timing.js";
import { showNoUse, showUse } from "./use_it.js";
import { WhatIf } from "./what_if.js";

export class Asking {
  #predictions = new Latest();
  #explanations = new Latest();

  /**
   * @param {Inputs} inputs what is asked about.
   * @param {object} how `mayScale()` whether large pictures are scaled; `onanswer` told which version answered; `onkey`
   *   told what to do once there is another key.
   */
  constructor(inputs, { mayScale, onanswer, onkey }) {
    Object.assign(this, { inputs, mayScale, onanswer, onkey });
    this.whatIf = new WhatIf(
      { root: byId("what-if"), choices: byId("what-if-choices"), problem: byId("what-if-problem"), change: byId("what-if-change") },
      mayScale,
    );
  }

  /** Whom to ask from now on, and whether there is nobody else. */
  ask(model, isOnly) {
    Object.assign(this, { model, isOnly });
  }

  /** Shows no answer, as of another model. */
  forget() {
    this.#predictions.forget();
    this.#hideWhy();
    showProblem(byId("answer-problem"), null);
    byId("predictions").replaceChildren(element("p", { class: "quiet" }, "Nothing asked yet."));
    byId("timing").replaceChildren();
    byId("answer").classList.remove("is-stale");
    showNoUse(byId("use-it"));
  }

  clear() {
    this.inputs.clear();
    this.forget();
  }

  /** Something was entered: what is shown is of the request before. */
  changed() {
    for (const field of this.inputs.pictures) field.describe();
    byId("answer").classList.toggle("is-stale", byId("timing").hasChildNodes());
  }

  async predict() {
    await Promise.all(this.inputs.pictures.map((field) => field.isRead));
    const [model, example] = [this.model, this.inputs.example];
    this.#hideWhy();
    showProblem(byId("answer-problem"), null);
    if (example.isEmpty) {
      showProblem(byId("answer-problem"), new Problem("invalid-request", "Every input is left out."));
      return;
    }
    if (!byId("timing").hasChildNodes()) byId("predictions").replaceChildren(); // "Nothing asked yet"
    showUse(byId("use-it"), { model, isOnly: this.isOnly, example, isScaled: example.isScaled(this.mayScale()) });
    try {
      const answer = await this.#predictions.of((leaving) =>
        shown(byId("answer-progress"), "Asking the model", leaving, async (signal) => api.predict(model.name, await example.form(this.mayScale()), { signal })));
      if (answer) this.#show(model, example, answer);
    } catch (problem) {
      byId("predictions").replaceChildren();
      byId("timing").replaceChildren();
      byId("status").textContent = "";
      showProblem(byId("answer-problem"), problem, isCancelled(problem) || problem.mayPass ? () => this.predict() : null);
      if (isAboutKeys(problem)) this.onkey(() => this.predict());
    }
  }

  #show(model, example, answer) {
    const [prediction] = answer.data.predictions;
    showPredictions(byId("predictions"), prediction, model);
    showTiming(byId("timing"), answer.data.model, answer);
    byId("answer").classList.remove("is-stale");
    byId("status").textContent = spoken(prediction);
    reveal(byId("answer"));
    this.whatIf.begin(model.name, example, prediction);
    if (byId("explain").checked) this.#explain(model, example);
    this.onanswer(answer.data.model.version);
  }

  async #explain(model, example) {
    byId("why").hidden = false;
    showProblem(byId("why-problem"), null);
    try {
      const answer = await this.#explanations.of((leaving) =>
        shown(byId("why-progress"), "Finding out why", leaving, async (signal) => api.predict(model.name, await example.form(this.mayScale()), { explain: true, signal })));
      if (answer) await this.#showWhy(answer.data.predictions[0].explanation, model, example);
    } catch (problem) {
      showProblem(byId("why-problem"), problem, () => this.#explain(model, example));
    }
  }

  async #showWhy(heads, model, example) {
    const show = async (head) => {
      await showExplanation(byId("why-of-head"), heads[head], example, model.inputs);
      this.whatIf.weigh(heads[head].tokens);
    };
    byId("explanation").replaceChildren(headChoice(Object.keys(heads), show), element("div", { id: "why-of-head" }));
    await show(Object.keys(heads)[0]);
  }

  #hideWhy() {
    this.#explanations.forget();
    this.whatIf.hide();
    byId("why").hidden = true;
    showProblem(byId("why-problem"), null);
    byId("explanation").replaceChildren();
  }
}

/** Brings into view what came below it, as on a phone. */
function reveal(part) {
  if (part.getBoundingClientRect().top < innerHeight * 0.7) return;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  part.scrollIntoView({ behavior: isCalm ? "auto" : "smooth", block: "start" });
}

/** Which head is explained, if there are several. */
function headChoice(heads, onchoose) {
  if (heads.length < 2) return "";
  const select = element("select", { id: "head", onchange: () => onchoose(select.value) }, heads.map((head) => element("option", { value: head }, head)));
  return element("div", { class: "field" }, element("label", { for: "head" }, "Head"), select);
}
