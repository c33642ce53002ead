// Icons of the toolbar, as paths in a square of 24.

import { svg } from "./dom.js";

const PATHS = {
  pause: "M8 5v14M16 5v14",
  play: "M7 4.500v15l12-7.500z",
  step: "M6 5v14l9-7zM18 5v14",
  slower: "M12 6v12l-8-6zM20 6v12l-8-6z",
  faster: "M4 6v12l8-6zM12 6v12l8-6z",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  home: "M4 11.500 12 5l8 6.500M6.500 10v9h11v-9",
  map: "M4 6l5-2 6 2 5-2v14l-5 2-6-2-5 2zM9 4v14M15 6v14",
  field: "M3 17l5-8 4 5 3-4 6 7zM3 20h18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  save: "M12 4v11M7.500 11l4.500 4.500L16.500 11M5 20h14",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5M9 9l-5-5M15 9l5-5M15 15l5 5M9 15l-5 5",
  costs: "M4 20V10M10 20V4M16 20v-7M22 20H2",
  help: "M9.500 9a2.600 2.600 0 1 1 3.700 2.400c-.8.400-1.200 1-1.200 2.100M12 17v.500M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18z",
  panel: "M4 6h10M18 6h2M4 12h2M10 12h10M4 18h8M16 18h4M14 4v4M6 10v4M12 16v4",
};

/** An icon by its name; it says nothing to those that do not see it. */
export function icon(name) {
  const filled = ["play", "slower", "faster"].includes(name) ? "icon filled" : "icon";
  return svg("svg", { class: filled, viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("path", { d: PATHS[name] }));
}
