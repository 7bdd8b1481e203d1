// The words of a text or of tags, where they stand, and how much each weighed.

// As the service splits texts: runs of letters, marks and digits; characters of scripts without spaces, and symbols, alone.
const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{So}\p{Sc}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{M}\p{N}])+/gu;

/** The words of a value as {text, start, end}. */
export function wordsOf({ kind, text, delimiter }) {
  if (kind !== "tags") return [...text.matchAll(WORD)].map((found) => ({ text: found[0], start: found.index, end: found.index + found[0].length }));
  let start = 0;
  return text.split(delimiter).flatMap((part) => {
    const [from, trimmed] = [start + part.length - part.trimStart().length, part.trim()];
    start += part.length + delimiter.length;
    return trimmed ? [{ text: trimmed, start: from, end: from + trimmed.length }] : [];
  });
}

/** The text without some of its words. */
export function withoutWords(value, dropped) {
  const words = wordsOf(value);
  if (value.kind === "tags") return words.filter((_, place) => !dropped.has(place)).map((word) => word.text).join(value.delimiter);
  let [kept, at] = ["", 0];
  words.forEach((word, place) => {
    if (!dropped.has(place)) return;
    kept += value.text.slice(at, word.start);
    at = word.end;
  });
  return kept + value.text.slice(at);
}

/**
 * How much each word weighed: the sum over its tokens, which may be parts of words.
 * @returns {number[]|null} by word; null if the tokens are not to be found in the words.
 */
export function weightsOf(words, tokens) {
  const normal = words.map((word) => folded(word.text));
  const owners = normal.flatMap((text, place) => Array(text.length).fill(place));
  const stream = normal.join("");
  const weights = words.map(() => 0);
  let at = 0;
  for (const { token, weight } of tokens) {
    const text = folded(token.replace(/^##/, ""));
    if (!text) continue;
    // Several branches over one input read it one after the other.
    const start = stream.startsWith(text, at) ? at : stream.startsWith(text) ? 0 : -1;
    if (start < 0) return null;
    for (let place = start; place < start + text.length; place++) weights[owners[place]] += weight / text.length;
    at = start + text.length;
  }
  return weights;
}

/** About as the service folds case and width; spaces and marks between words don't count. */
const folded = (text) => text.normalize("NFKC").toLowerCase().replaceAll("ß", "ss").replace(/[^\p{L}\p{M}\p{N}\p{So}\p{Sc}]/gu, "");
