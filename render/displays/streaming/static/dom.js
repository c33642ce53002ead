// Elements of the page: made with their attributes, listeners and children.

const SVG = "http://www.w3.org/2000/svg";

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** An element of HTML. Attributes that begin with `on` are listeners; false, null and undefined are left out. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An element of SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Change a text only if it is another one, so that it is not read out again. */
export function say(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

export const byId = (id) => document.getElementById(id);

let made = 0;

/** An id that nothing else on the page has. */
export const newId = () => `vs-${(made += 1)}`;
