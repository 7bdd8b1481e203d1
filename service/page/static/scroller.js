// Holds what may be wider than the screen: it scrolls, by keyboard too, and the page does not.

import { element } from "./element.js";

export const scroller = (name, ...content) => element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": name }, ...content);
