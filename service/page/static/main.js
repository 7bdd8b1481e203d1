// The page: reads which models there are, and wires its parts together.

import * as api from "./api.js";
import { byId, element } from "./element.js";
import { showExamples } from "./examples.js";
import { showExplanation } from "./explanation.js";
import { showFigures } from "./figures.js";
import { Inputs } from "./inputs.js";
import { keys } from "./keys.js";
import { LONGEST_SIDE_PX } from "./picture.js";
import { showPredictions, spoken } from "./predictions.js";
import { isCancelled, Latest, shown } from "./progress.js";
import { Problem, showProblem } from "./problems.js";
import { showNoSnippets, showSnippets } from "./snippets.js";
import { count } from "./numbers.js";
import { showTiming } from "./timing.js";
import { Versions } from "./versions.js";
import { Views } from "./views.js";
import { WhatIf } from "./what_if.js";

const RETRY_MS = 2000;

const mayScale = () => byId("scale").checked;
const views = new Views(() => {});
const inputs = new Inputs(byId("inputs"), { mayScale, onchange: changed });
const whatIf = new WhatIf(
  { root: byId("what-if"), choices: byId("what-if-choices"), problem: byId("what-if-problem"), change: byId("what-if-change") },
  mayScale,
);
const versions = new Versions(() => readModel(model.name));
const predictions = new Latest();
const explanations = new Latest();

let names = [];
let model = null;

byId("scale-choice").querySelector("span").textContent = `Scale a photo over ${count(LONGEST_SIDE_PX)} px down before it is sent`;
byId("scale").addEventListener("change", changed);
byId("clear").addEventListener("click", clear);
byId("request").addEventListener("submit", (event) => {
  event.preventDefault();
  predict();
});
byId("model").addEventListener("change", (event) => change(event.target.value));
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keys.set("predict", byId("key").value.trim());
  byId("key").value = "";
  begin();
});
begin();

/** Reads what there is, and asks for a key if one is needed. */
async function begin() {
  showProblem(byId("page-problem"), null);
  try {
    const found = await api.models();
    names = found.map((one) => one.name);
    const answering = found.find((one) => one.versions.some((version) => version.state === "ready"));
    if (!answering) throw new Problem("not-ready");
    byId("model").replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    byId("model").value = answering.name;
    byId("model").disabled = names.length === 1;
    await choose(answering.name);
    views.show();
  } catch (problem) {
    views.hide();
    const needsKey = problem.kind === "unauthorized" || problem.kind === "forbidden";
    byId("key-question").hidden = !needsKey;
    if (needsKey && !keys.areUsed) byId("key").focus();
    else showProblem(byId("page-problem"), problem, begin);
    if (problem.kind === "not-ready") setTimeout(begin, RETRY_MS);
  }
}

async function choose(name) {
  await readModel(name);
  inputs.build(model.inputs);
  clear();
  byId("scale-choice").hidden = inputs.pictures.length === 0;
  showExamples(byId("examples"), await api.examples(name), model.inputs, async (example, title) => {
    await inputs.fill(example, title);
    await predict();
  });
}

/** Another model was chosen. */
async function change(name) {
  try {
    await choose(name);
  } catch (problem) {
    showProblem(byId("page-problem"), problem, () => change(name));
  }
}

/** Reads a model anew, and shows what depends on its version. */
async function readModel(name) {
  model = await api.model(name);
  const answering = model.versions.find((version) => version.state === "ready");
  byId("model-choice").hidden = false;
  byId("version").textContent = answering ? `version ${answering.version}` : "no version answers";
  showProblem(byId("page-problem"), null);
  showFigures(byId("all-figures"), model);
  versions.show(model);
}

function clear() {
  inputs.clear();
  predictions.forget();
  hideWhy();
  showProblem(byId("answer-problem"), null);
  byId("predictions").replaceChildren(element("p", { class: "quiet" }, "Nothing asked yet."));
  byId("timing").replaceChildren();
  byId("answer").classList.remove("is-stale");
  showNoSnippets(byId("snippets"));
}

/** Something was entered: what is shown is of the request before. */
function changed() {
  for (const field of inputs.pictures) field.describe();
  byId("answer").classList.toggle("is-stale", byId("timing").hasChildNodes());
}

async function predict() {
  await Promise.all(inputs.pictures.map((field) => field.isRead));
  const [asked, example] = [model, inputs.example];
  hideWhy();
  showProblem(byId("answer-problem"), null);
  if (example.isEmpty) {
    showProblem(byId("answer-problem"), new Problem("invalid-request", "Every input is left out."));
    return;
  }
  showSnippets(byId("snippets"), asked.name, example, names.length === 1);
  try {
    const form = await example.form(mayScale());
    const answer = await predictions.of((leaving) =>
      shown(byId("answer-progress"), "Asking the model", leaving, (signal) => api.predict(asked.name, form, { signal })));
    if (!answer) return;
    const [prediction] = answer.data.predictions;
    showPredictions(byId("predictions"), prediction, asked);
    showTiming(byId("timing"), answer.data.model, answer);
    byId("answer").classList.remove("is-stale");
    byId("status").textContent = spoken(prediction);
    reveal(byId("answer"));
    whatIf.begin(asked.name, example, prediction);
    if (byId("explain").checked) await explain(asked, example, form);
  } catch (problem) {
    byId("predictions").replaceChildren();
    byId("timing").replaceChildren();
    showProblem(byId("answer-problem"), problem, isCancelled(problem) ? predict : null);
    if (problem.kind === "unauthorized") byId("key-question").hidden = false;
  }
}

async function explain(asked, example, form) {
  byId("why").hidden = false;
  try {
    const answer = await explanations.of((leaving) =>
      shown(byId("why-progress"), "Finding out why", leaving, (signal) => api.predict(asked.name, form, { explain: true, signal })));
    if (!answer) return;
    const heads = answer.data.predictions[0].explanation;
    const show = async (head) => {
      await showExplanation(byId("why-of-head"), heads[head], example, asked.inputs);
      whatIf.weigh(heads[head].tokens);
    };
    byId("explanation").replaceChildren(headChoice(Object.keys(heads), show), element("div", { id: "why-of-head" }));
    await show(Object.keys(heads)[0]);
  } catch (problem) {
    showProblem(byId("why-problem"), problem, () => {
      showProblem(byId("why-problem"), null);
      explain(asked, example, form);
    });
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

function hideWhy() {
  explanations.forget();
  whatIf.hide();
  byId("why").hidden = true;
  showProblem(byId("why-problem"), null);
  byId("explanation").replaceChildren();
}
