// What is said beside the picture: heading, cards, notices, and the help.

import { byId, element, say, svg } from "./dom.js";

const COLORS = 8; // classes `part-0` … of the parts of a bar
const [WIDE, HIGH] = [240, 44]; // of a curve, in its own units

export class Cards {
  /** closeHelp(): the person closed the help. */
  constructor(closeHelp) {
    this.place = byId("cards");
    this.notice = byId("notice");
    this.help = byId("help");
    this.shown = new Map();
    this.help.addEventListener("close", () => { if (!this.quiet) closeHelp(); });
    this.help.addEventListener("click", (ev) => { if (ev.target === this.help) this.help.close(); });
  }

  take(message) {
    if (message.keys) this.buildHelp(message.keys);
    if (message.heading) this.showHeading(message.heading);
    if (message.cards) this.showCards(message.cards);
    if (message.room) this.showRoom(message.room);
    if ("notice" in message) this.showNotice(message.notice);
    if ("help" in message) this.showHelp(message.help);
  }

  showHeading({ left, right }) {
    say(byId("world"), left[0] ?? "Valuescape");
    lines(byId("policy"), left.slice(1));
    say(byId("pace"), right[0] ?? "");
    lines(byId("episodes"), right.slice(1));
    document.title = left[0] ?? "Valuescape";
  }

  /** Cards cover the map, and not the scales beside it. */
  showRoom([, right]) {
    this.place.style.setProperty("--beside", `${((1 - right) * 100).toFixed(1)}%`);
  }

  showNotice(text) {
    say(this.notice, text);
    this.notice.classList.toggle("on", Boolean(text));
  }

  /** Show cards; one that is there already keeps its place, and whether it is folded. */
  showCards(cards) {
    const kept = new Map();
    cards.forEach((card, index) => {
      const name = `${index} ${card.title.split(" ")[0]}`;
      const made = this.shown.get(name) ?? newCard();
      fillCard(made, card);
      kept.set(name, made);
    });
    this.shown = kept;
    const wanted = [...kept.values()].map((made) => made.root);
    if (wanted.some((root, index) => this.place.children[index] !== root)
      || this.place.children.length !== wanted.length) this.place.replaceChildren(...wanted);
  }

  buildHelp(groups) {
    const close = element("button", { type: "button", class: "close", onclick: () => this.help.close() }, "Close");
    this.help.replaceChildren(
      element("div", { class: "help-head" }, element("h2", { id: "help-title" }, "Help"), close),
      element("div", { class: "help-groups" }, ...groups.map(({ title, rows }) => element("section", {},
        element("h3", {}, title),
        element("dl", {}, ...rows.map(([key, meaning]) => element("div", {},
          element("dt", {}, key), element("dd", {}, meaning))))))));
  }

  showHelp(on) {
    if (on === this.help.open) return;
    if (on) {
      this.help.showModal();
    } else {
      this.quiet = true;
      this.help.close();
      // The event comes later.
      setTimeout(() => { this.quiet = false; });
    }
  }
}

function lines(place, texts) {
  const said = texts.join("\n");
  if (place.dataset.said === said) return;
  place.dataset.said = said;
  place.replaceChildren(...texts.map((text) => element("span", {}, text)));
}

function newCard() {
  const title = element("h3");
  const body = element("div", { class: "card-body" });
  const root = element("details", { class: "card", open: true }, element("summary", {}, title), body);
  return { root, title, body };
}

function fillCard({ root, title, body }, card) {
  say(title, card.title);
  const said = JSON.stringify(card);
  if (root.dataset.said === said) return;
  root.dataset.said = said;
  // A selection of text in the card would be lost.
  if (root.contains(document.getSelection()?.anchorNode) && !document.getSelection().isCollapsed) return;
  body.replaceChildren(...[
    card.rows.length && table(card.rows),
    card.values.length && bars(card),
    ...card.curves.map((curve) => drawCurve(curve, card.steps)),
    card.parts.length && stack(card.parts),
    card.lamps.length && lamps(card.lamps),
    card.note && element("p", { class: "note" }, card.note),
  ].filter(Boolean));
}

function table(rows) {
  return element("table", {}, element("tbody", {}, ...rows.map(([name, text]) => element("tr", {},
    element("th", { scope: "row" }, name), element("td", {}, text)))));
}

const drawing = (label, ...children) => svg("svg", {
  viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img", "aria-label": label,
}, ...children);

/** The newest values as bars, with a line at the mark. */
function bars({ title, values, mark }) {
  const most = Math.max(1.5 * mark, ...values, 1e-9);
  const wide = WIDE / values.length;
  const shown = values.map((value, index) => svg("rect", {
    x: (index * wide).toFixed(2), width: (0.8 * wide).toFixed(2), y: (HIGH * (1 - value / most)).toFixed(2),
    height: ((HIGH * value) / most).toFixed(2), class: value > mark && mark ? "bar over" : "bar",
  }));
  const y = HIGH * (1 - mark / most);
  const line = mark ? [svg("line", { x1: 0, x2: WIDE, y1: y, y2: y, class: "mark" })] : [];
  return drawing(`${title}: the last ${values.length}, the newest ${values.at(-1)}`, ...shown, ...line);
}

/** Parts as one stacked bar, with their key. */
function stack(parts) {
  const whole = parts.reduce((sum, [, amount]) => sum + amount, 0) || 1;
  let at = 0;
  const shown = parts.map(([, amount], index) => {
    const wide = (WIDE * amount) / whole;
    const part = svg("rect", { x: at.toFixed(2), y: 0, width: wide.toFixed(2), height: 10, class: `part-${index % COLORS}` });
    at += wide;
    return part;
  });
  const bar = svg("svg", { class: "stack", viewBox: `0 0 ${WIDE} 10`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...shown);
  const rows = parts.map(([name, amount], index) => element("tr", {},
    element("th", { scope: "row" }, element("span", { class: `key part-${index % COLORS}` }), name),
    element("td", {}, `${amount.toFixed(1)} ms`)));
  return element("div", { class: "parts" }, bar, element("table", {}, element("tbody", {}, ...rows)));
}

function lamps(list) {
  return element("ul", { class: "lamps" }, ...list.map(([name, well]) => element("li",
    { class: well === null ? "unknown" : well ? "well" : "ill" },
    name, element("span", { class: "unseen" }, well === null ? ": not known yet" : well ? ": kept" : ": not kept"))));
}

/** A number over training steps: its line with its interval, what others measured, and where the run is. */
function drawCurve({ title, said, points, dots, ends: [low, high] }, steps) {
  const [first, last] = [points[0][0], Math.max(points.at(-1)[0], points[0][0])];
  const x = (step) => (last > first ? (WIDE * (step - first)) / (last - first) : WIDE).toFixed(1);
  const y = (value) => (HIGH * (high - Math.min(Math.max(value, low), high)) / (high - low)).toFixed(1);
  const known = points.filter(([, value]) => value !== null);
  const sure = points.filter((point) => point[2] !== null && point[3] !== null);
  const band = [...sure.map((point) => `${x(point[0])},${y(point[3])}`),
    ...sure.toReversed().map((point) => `${x(point[0])},${y(point[2])}`)].join(" ");
  const zero = low < 0 && high > 0 ? [svg("line", { x1: 0, x2: WIDE, y1: y(0), y2: y(0), class: "grid" })] : [];
  const here = steps !== null && steps >= first && steps <= last
    ? [svg("line", { x1: x(steps), x2: x(steps), y1: 0, y2: HIGH, class: "mark" })] : [];
  return element("figure", { class: "curve" },
    element("figcaption", {}, element("span", {}, title), element("output", {}, said)),
    drawing(`${title}: ${said}`, svg("polygon", { points: band, class: "band" }), ...zero, ...here,
      svg("polyline", { points: known.map((point) => `${x(point[0])},${y(point[1])}`).join(" "), class: "line" }),
      ...dots.filter((dot) => dot[0] >= first && dot[0] <= last && dot[1] !== null)
        .map(([step, value]) => svg("circle", { cx: x(step), cy: y(value), r: 1.8, class: "dot" }))));
}
