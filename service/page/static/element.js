// Elements of the page, made by calls alone: no text that came from elsewhere is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element.
 * @param {string} tag
 * @param {object} given attributes; a function is a listener ("onclick"), `variables` are custom properties of its style.
 * @param {...(Node|string|null)} children null is none.
 */
export function element(tag, given = {}, ...children) {
  return filled(document.createElement(tag), given, children);
}

/** The same of SVG. */
export function drawn(tag, given = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), given, children);
}

/**
 * A name from elsewhere, as of a label or an input: in its own direction whatever stands around it, and to be broken
 * after the marks that join its parts before it is broken anywhere.
 */
export const named = (text) => element("bdi", {}, (text.match(/[^_\-/.,:|]*[_\-/.,:|]*/g) ?? []).flatMap((part) => [part, element("wbr")]));

export const byId = (id) => document.getElementById(id);

let ids = 0;
/** A name for an element that a label or a description refers to. */
export const freshId = (stem) => `${stem}-${++ids}`;

function filled(made, { variables = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  for (const [name, value] of Object.entries(variables)) made.style.setProperty(`--${name}`, value);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}
