// The versions of a model, and which of them answers.

import * as api from "./api.js";
import { byId, element } from "./element.js";
import { keys } from "./keys.js";
import { isCancelled, shown } from "./progress.js";
import { scroller } from "./scroller.js";
import { isAboutKeys, showProblem } from "./problems.js";

const STATES = {
  ready: ["answers", "is-accent"],
  loaded: ["kept in memory", ""],
  loading: ["being loaded", ""],
  not_loaded: ["on disk", ""],
  refused: ["refused", "is-bad"],
};

export class Versions {
  /** @param {() => Promise} reload reads the model anew, and shows it. */
  constructor(reload) {
    this.reload = reload;
    byId("admin-key-form").addEventListener("submit", (event) => {
      event.preventDefault();
      keys.set("admin", byId("admin-key").value.trim());
      byId("admin-key").value = "";
      byId("admin-key-form").hidden = true;
      if (this.wanted) this.#activate(this.wanted.version);
    });
  }

  show(model) {
    this.model = model;
    const rows = [...model.versions].reverse().map((version) => this.#row(version));
    const heads = ["Version", "State", ""].map((name) => (name ? element("th", { scope: "col" }, name) : element("td", {})));
    byId("version-list").replaceChildren(
      element("p", {}, model.pinned === null ? "Follows its newest good version." : `Pinned to version ${model.pinned}: newer ones do not take over.`),
      scroller("Versions", element("table", { class: "versions" }, element("thead", {}, element("tr", {}, heads)), element("tbody", {}, rows))),
      ...(model.pinned === null ? [] : [element("button", { type: "button", onclick: () => this.#activate(null) }, "Follow the newest again")]),
    );
  }

  #row({ version, state, reason }) {
    const [words, look] = STATES[state];
    const activate = element("button", { type: "button", "aria-label": `Activate version ${version}`, onclick: () => this.#activate(version) }, "Activate");
    return element("tr", { "data-version": version },
      element("th", { scope: "row", class: "number" }, String(version)),
      element("td", {}, element("span", { class: `chip ${look}` }, words), version === this.model.pinned ? element("span", { class: "chip" }, "pinned") : null,
        reason ? element("p", { class: "hint" }, reason) : null),
      element("td", { class: "at-end" }, state === "ready" ? null : activate),
    );
  }

  async #activate(version) {
    this.wanted = { version };
    showProblem(byId("versions-problem"), null);
    const what = version === null ? "Going back to the newest version" : `Activating version ${version}`;
    try {
      const done = await shown(byId("versions-progress"), what, new AbortController(), (signal) => api.activate(this.model.name, version, signal));
      this.wanted = null;
      await this.reload();
      byId("versions-status").textContent = `Version ${done.version} answers now.${done.saved ? "" : ` A restart will not know of it: ${done.reason}`}`;
    } catch (problem) {
      showProblem(byId("versions-problem"), problem);
      if (isAboutKeys(problem)) byId("admin-key-form").hidden = !keys.areUsed;
      else if (!isCancelled(problem)) await this.reload().catch(() => {});
    }
  }
}
