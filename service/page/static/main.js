// The page: reads which models there are, and wires its parts together.

import * as api from "./api.js";
import { Asking } from "./asking.js";
import { byId, element } from "./element.js";
import { showExamples } from "./examples.js";
import { showFigures } from "./figures.js";
import { Inputs } from "./inputs.js";
import { keys } from "./keys.js";
import { count } from "./numbers.js";
import { LONGEST_SIDE_PX } from "./picture.js";
import { isAboutKeys, Problem, showProblem } from "./problems.js";
import { Latest } from "./progress.js";
import { Versions } from "./versions.js";
import { Views } from "./views.js";

const RETRY_MS = 2000;

const mayScale = () => byId("scale").checked;
const views = new Views(refresh);
const inputs = new Inputs(byId("inputs"), { mayScale, onchange: () => asking.changed() });
const asking = new Asking(inputs, { mayScale, onanswer: noticeVersion, onkey: askForKey });
const versions = new Versions(() => read(model.name));
const readings = new Latest();

let names = [];
let model = null;
let shownAs = ""; // the model and its examples, as they are shown
let retrying = 0;
let afterKey = begin;

byId("scale-choice").querySelector("span").textContent = `Scale a photo over ${count(LONGEST_SIDE_PX)} px down before it is sent`;
byId("scale").addEventListener("change", () => asking.changed());
byId("clear").addEventListener("click", () => asking.clear());
byId("request").addEventListener("submit", (event) => {
  event.preventDefault();
  asking.predict();
});
byId("model").addEventListener("change", (event) => choose(event.target.value));
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keys.set("predict", byId("key").value.trim());
  byId("key").value = "";
  byId("key-question").hidden = true;
  showProblem(byId("page-problem"), null);
  afterKey();
});
begin();

/** Reads what there is, asks for a key if one is needed, and looks again by itself while nothing answers. */
async function begin() {
  clearTimeout(retrying);
  try {
    const found = await api.models();
    names = found.map((one) => one.name);
    const first = found.find(answeringOf);
    if (!first) throw whyNoneAnswers(found);
    byId("model").replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    byId("model").value = first.name;
    byId("model").disabled = names.length === 1;
    await read(first.name);
    asking.forget();
    showProblem(byId("page-problem"), null);
    views.show();
  } catch (problem) {
    views.hide();
    const isFirst = problem.kind === "unauthorized" && !keys.areUsed;
    if (!isFirst) showProblem(byId("page-problem"), problem, isAboutKeys(problem) ? null : begin);
    if (isAboutKeys(problem)) askForKey(begin);
    if (problem.mayPass) retrying = setTimeout(begin, RETRY_MS);
  }
}

/** Another model was chosen. */
async function choose(name) {
  byId("version").textContent = "…";
  try {
    await read(name);
    asking.forget();
  } catch (problem) {
    showProblem(byId("page-problem"), problem, () => choose(name));
  }
}

/** Reads a model anew and shows it; what was entered stays, as far as the model still takes it. */
async function read(name) {
  const told = await readings.of(({ signal }) => Promise.all([api.model(name, signal), api.examples(name, signal)]));
  if (!told) return;
  const [found, examples] = told;
  const answering = answeringOf(found);
  clearTimeout(retrying);
  if (!answering) retrying = setTimeout(refresh, RETRY_MS);
  byId("version").textContent = answering ? `version ${answering.version}` : "no version answers";
  const now = JSON.stringify(told);
  if (now === shownAs) return;
  [model, shownAs] = [found, now];
  asking.ask(model, names.length === 1);
  byId("model-choice").hidden = false;
  showProblem(byId("page-problem"), answering ? null : whyNoneAnswers([model]), refresh);
  byId("request").hidden = !answering;
  inputs.build(model.inputs);
  byId("scale-choice").hidden = inputs.pictures.length === 0;
  showExamples(byId("examples"), examples, model.inputs, async (example, title) => {
    await inputs.fill(example, title);
    await asking.predict();
  });
  showFigures(byId("all-figures"), model);
  versions.show(model);
}

/** Looks whether there is another version meanwhile. */
async function refresh() {
  try {
    await read(model.name);
  } catch {
    // What is shown was right when it came; what is asked next says what is wrong.
  }
}

function noticeVersion(version) {
  if (version !== answeringOf(model)?.version) refresh();
}

/** Asks for a key, and goes on when there is one. */
function askForKey(next) {
  afterKey = next;
  byId("key-question").hidden = false;
  byId("key").focus();
}

function answeringOf({ versions }) {
  return versions.find((version) => version.state === "ready");
}

function whyNoneAnswers(models) {
  const found = models.flatMap(({ name, versions }) => versions.map((version) => ({ name, ...version })));
  if (!models.length) return new Problem("no-models");
  if (!found.every(({ state }) => state === "refused")) return new Problem("not-ready");
  return new Problem("none-good", found.map(({ name, version, reason }) => `${name}, version ${version}: ${reason}`).join(" "));
}
