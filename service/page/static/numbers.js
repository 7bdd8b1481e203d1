// Numbers as the page writes them.

export const MINUS = "\u2212";

/** A probability: "96.3 %". */
export function percent(probability) {
  if (probability > 0 && probability < 0.0005) return "<0.1\u00a0%";
  if (probability < 1 && probability >= 0.9995) return ">99.9\u00a0%";
  return `${(100 * probability).toFixed(1)}\u00a0%`;
}

/** A difference of probabilities in percentage points: "+12.3", "−4.0". */
export function points(difference) {
  const rounded = (100 * difference).toFixed(1);
  if (Number(rounded) === 0) return "0.0";
  return difference > 0 ? `+${rounded}` : rounded.replace("-", MINUS);
}

/** A figure of an evaluation: "0.963". */
export const figure = (value) => value.toFixed(3).replace("-", MINUS);

/** Time: "12 ms", "1.4 s". */
export function time(milliseconds) {
  if (milliseconds < 1) return "<1\u00a0ms";
  return milliseconds < 1000 ? `${Math.round(milliseconds)}\u00a0ms` : `${(milliseconds / 1000).toFixed(1)}\u00a0s`;
}

/** A whole number: "1,260". */
export const count = (value) => value.toLocaleString("en");

/** A figure's name: "macro_f1" -> "Macro F1". */
export function title(name) {
  const known = { ece: "Calibration error", brier: "Brier score", roc_auc: "ROC AUC", macro_f1: "Macro F1", micro_f1: "Micro F1" };
  return known[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
}
