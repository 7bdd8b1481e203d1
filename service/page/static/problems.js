// What can go wrong, in words, and what to do about it.

import { element } from "./element.js";

// By the last part of the `type` of a problem document: what it means, what to do.
export const ADVICE = {
  "malformed": ["The request could not be read", "Reload the page and try again; a proxy on the way may have cut it off."],
  "unauthorized": ["A key is needed", "Enter a key that this service knows. Whoever runs it makes one with 'bifocal-service keys add'."],
  "forbidden": ["This is not allowed", "Use a key that has the right to it, or ask whoever runs the service."],
  "not-found": ["It is not there (any more)", "Reload the page: a model or version may have been replaced meanwhile."],
  "method-not-allowed": ["The service does not take this", "Reload the page: it may be older than the service."],
  "not-acceptable": ["The answer would be of a kind that was not asked for", "Reload the page: a proxy on the way may have changed the request."],
  "slow-body": ["Sending took too long", "Let the page scale the picture down, use a smaller one, or a faster connection."],
  "version-refused": ["This version can't be served", "Activate another one. The reason says what is wrong with it."],
  "too-large": ["It is too large", "Shorten the text, or let the page scale the picture down."],
  "image-too-large": ["The picture has too many pixels", "Let the page scale it down, or use a smaller one."],
  "media-type": ["The service does not take this kind of content", "Reload the page: a proxy on the way may have changed the request."],
  "invalid-request": ["The request does not fit the model", "Give at least one input, and change what is named above."],
  "image-unusable": ["The picture can't be used", "Choose another file: a whole JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF. Opening and saving it anew often helps."],
  "headers-too-large": ["The request's headers are too large", "Clear the cookies of this address, then reload the page."],
  "not-ready": ["The service does not answer just now", "It is starting, or about to end. Wait a moment and try again."],
  "no-models": ["There is no model yet", "Train one and publish it to the folder that is served; this page looks again by itself."],
  "none-good": ["No version can be served", "Publish one that is whole. The reason says what is wrong with this one."],
  "overloaded": ["The service is busy", "Wait a moment and try again."],
  "deadline": ["The answer took too long", "Try again. If it happens often, the service is too busy or the model too slow for its machine."],
  "internal": ["Something went wrong in the service", "Try again. If it stays, its log says what; tell whoever runs it the number of the request."],
  "network": ["The service can't be reached", "Check your connection and that the service is running, then try again."],
  "cancelled": ["Cancelled", "Nothing was changed. Try again whenever you like."],
  "unknown": ["The service answered something unexpected", "Reload the page. If it stays, something between here and the service may be answering for it."],
};

// What may be over when the same is asked again.
const PASSING = new Set(["not-ready", "no-models", "none-good", "overloaded", "deadline", "network"]);

/** Why there is no answer. */
export class Problem extends Error {
  /**
   * @param {string} kind a key of `ADVICE`.
   * @param {string} detail in the service's words.
   * @param {object} more `input` that it is about, `retryAfter` in seconds, `request` as its id.
   */
  constructor(kind, detail = "", { input = null, retryAfter = null, request = null } = {}) {
    super(detail);
    this.kind = kind in ADVICE ? kind : "unknown";
    this.input = input;
    this.retryAfter = retryAfter;
    this.request = request;
  }

  get mayPass() {
    return PASSING.has(this.kind);
  }

  /** Of an answer that is none. */
  static async of(response) {
    const about = { retryAfter: Number(response.headers.get("Retry-After")) || null, request: response.headers.get("X-Request-ID") };
    try {
      const document = await response.json();
      return new Problem(document.type.split(":").pop(), document.detail, { ...about, input: document.input });
    } catch {
      return new Problem("unknown", `Status ${response.status}.`, about);
    }
  }
}

/** Whether it takes a key, or another one. */
export const isAboutKeys = ({ kind }) => kind === "unauthorized" || kind === "forbidden";

/** Shows a problem in a place for it, or clears the place if there is none. One that is shown already is not told again. */
export function showProblem(place, problem, again = null) {
  if (!problem) {
    place.replaceChildren();
    return;
  }
  const known = problem instanceof Problem ? problem : new Problem("unknown", String(problem.message ?? problem));
  const [meaning, advice] = ADVICE[known.kind];
  const told = element("div", { class: "problem", "data-kind": known.kind },
    element("p", { class: "problem-title" }, known.input ? `${meaning}: ${known.input}` : meaning),
    known.message ? element("p", {}, known.message) : null,
    element("p", {}, known.retryAfter ? `${advice} (The service asks for ${known.retryAfter} s.)` : advice),
    known.kind === "internal" && known.request ? element("p", { class: "quiet" }, `Request ${known.request}`) : null,
    again ? element("button", { type: "button", onclick: again }, "Try again") : null,
  );
  if (!place.firstElementChild?.isEqualNode(told)) place.replaceChildren(told);
}
