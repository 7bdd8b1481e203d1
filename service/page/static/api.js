// Requests to the service. Addresses are relative, so that it works under any path of a proxy.

import { keys } from "./keys.js";
import { Problem } from "./problems.js";

export const addressOf = (path) => new URL(path, document.baseURI);

export const models = () => asked("models").then(({ data }) => data.models);
export const model = (name, signal) => asked(`models/${encodeURIComponent(name)}`, { signal }).then(({ data }) => data);
export const examples = (name, signal) => asked(`models/${encodeURIComponent(name)}/examples`, { signal }).then(({ data }) => data.examples);

/**
 * The prediction for one example.
 * @param {string} name of the model.
 * @param {FormData} form a part an input.
 * @param {object} how `explain`: say why; `signal`: gives it up.
 * @returns {Promise<{data: object, timing: string, milliseconds: number}>}
 */
export function predict(name, form, { explain = false, signal } = {}) {
  const query = new URLSearchParams({ model: name });
  if (explain) query.set("explain", "true");
  return asked(`predict?${query}`, { method: "POST", body: form, signal });
}

/** Makes a version answer from now on; null follows the newest again. */
export function activate(name, version, signal) {
  return asked(`admin/models/${encodeURIComponent(name)}/activate`, {
    method: "POST",
    body: JSON.stringify({ version }),
    headers: { "Content-Type": "application/json" },
    right: "admin",
    signal,
  }).then(({ data }) => data);
}

async function asked(path, { right = "predict", headers = {}, ...given } = {}) {
  const key = keys.of(right);
  const begun = performance.now();
  try {
    const response = await fetch(addressOf(path), {
      ...given,
      headers: { Accept: "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}), ...headers },
      credentials: "same-origin",
      cache: "no-store",
    });
    if (!response.ok) throw await Problem.of(response);
    const data = await response.json();
    return { data, timing: response.headers.get("Server-Timing") ?? "", milliseconds: performance.now() - begun };
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (error.name === "AbortError") throw new Problem("cancelled");
    throw error instanceof SyntaxError ? new Problem("unknown", error.message) : new Problem("network");
  }
}
