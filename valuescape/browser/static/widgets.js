// The widgets of the panel: each shows a description of the program's, and gives what a person chose.
//
// A widget is { root, show(told, own) }; own: the hand has another value on its way, which stays.
// give(value, held) sends a value; it counts as held while the hand is still on it.

import { element, newId, say, svg } from "./dom.js";
import { Scale, read, written } from "./numbers.js";

const THROTTLE_MS = 40;

const labelled = (told, ...parts) =>
  element("span", { class: told.hidden ? "unseen" : "label" }, told.label, ...parts);

function button(told, give) {
  const root = element("button", { type: "button", onclick: () => give(true) });
  return { root, field: root, show: (now) => { say(root, now.label); root.disabled = now.on === false; } };
}

function toggle(told, give) {
  const field = element("input", { type: "checkbox", onchange: () => give(field.checked) });
  const root = element("label", { class: told.hidden ? "switch bare" : "switch" }, field, labelled(told));
  if (told.hidden) root.title = told.label;
  return {
    root, field,
    show(now, own) {
      if (!own) field.checked = now.value;
      field.disabled = now.on === false;
    },
  };
}

function pick(told, give) {
  const field = element("select", { onchange: () => give(options[Number(field.value)].value) });
  let options = [];
  let shown = "";
  return {
    root: element("label", { class: "field" }, labelled(told), field), field,
    show(now, own) {
      field.disabled = now.on === false;
      const wanted = JSON.stringify([now.options, now.shown]);
      if (wanted !== shown) {
        shown = wanted;
        options = now.options;
        field.replaceChildren(...options.map((each, index) => element("option",
          { value: index, title: each.tip, disabled: !each.open }, each.text)));
      }
      if (own) return;
      const at = options.findIndex((each) => each.value === now.value);
      field.querySelector("option[hidden]")?.remove();
      if (at < 0) field.prepend(element("option", { value: -1, hidden: true }, now.shown || String(now.value)));
      field.value = String(at);
    },
  };
}

function radio(told, give) {
  const group = newId();
  const fields = told.options.map((option) => element("input", {
    type: "radio", name: group, onchange: () => give(option.value),
  }));
  const root = element("fieldset", { class: "radio" }, element("legend", { class: "unseen" }, told.label),
    ...fields.map((field, index) => element("label", {}, field, element("span", {}, told.options[index].text))));
  return {
    root, field: fields[0],
    show(now, own) {
      root.disabled = now.on === false;
      if (!own) fields.forEach((field, index) => { field.checked = told.options[index].value === now.value; });
    },
  };
}

function listing(told, give) {
  const root = element("div", { class: "listing", role: "group", "aria-label": told.label });
  let shown = "";
  return {
    root, field: root,
    show(now) {
      const wanted = JSON.stringify([now.options, now.value]);
      if (wanted === shown) return;
      shown = wanted;
      root.replaceChildren(...now.options.map((each) => element("button", {
        type: "button", "aria-pressed": String(each.value === now.value), onclick: () => give(each.value),
      }, each.text)));
    },
  };
}

/** A range and a number beside it, which can be typed. */
function slider(told, give) {
  const range = element("input", { type: "range", "aria-label": told.label });
  const typed = element("input", {
    type: "text", inputmode: "decimal", class: "number", autocomplete: "off", spellcheck: "false",
    "aria-label": `${told.label}, as a number`,
  });
  const words = element("output", { class: "words" });
  const texts = told.texts?.length > 0;
  const root = element("div", { class: texts ? "field slider wide" : "field slider" },
    texts ? words : labelled(told), range, texts ? null : typed);
  let now = told;
  let scale = new Scale(told);
  let sent = 0;
  const text = (value) => (now.texts?.length ? now.texts[value - now.low] : written(now.form, value));
  const describe = (value) => {
    range.setAttribute("aria-valuetext", text(value));
    root.style.setProperty("--at", String((range.value - range.min) / (range.max - range.min || 1)));
    if (texts) say(words, text(value));
    else if (document.activeElement !== typed) typed.value = text(value);
  };
  range.addEventListener("input", () => {
    const value = scale.value(Number(range.value));
    describe(value);
    if (now.let_go || Date.now() - sent < THROTTLE_MS) return;
    sent = Date.now();
    give(value, true);
  });
  range.addEventListener("change", () => give(scale.value(Number(range.value)), false));
  typable(typed, give, () => now.value, () => text(now.value));
  return {
    root, field: range,
    show(next, own) {
      now = next;
      for (const each of [range, typed]) each.disabled = now.on === false;
      if (own) return;
      scale = new Scale(now);
      Object.assign(range, { min: scale.min, max: scale.max, step: 1, value: scale.place(now.value) });
      describe(now.value);
    },
  };
}

/** Two ranges over each other: the ends of a span. */
function span(told, give) {
  const ends = ["from", "to"].map((end) => element("input", {
    type: "range", "aria-label": `${told.label}, ${end}`,
  }));
  const said = element("output", { class: "words" });
  const root = element("div", { class: "field span" }, labelled(told), element("div", { class: "ends" }, ...ends), said);
  let scale = new Scale(told);
  let now = told;
  const values = () => ends.map((each) => scale.value(Number(each.value))).sort((one, other) => one - other);
  const describe = () => {
    const [low, high] = values();
    say(said, `${written(now.form, low)} to ${written(now.form, high)}`);
    for (const each of ends) each.setAttribute("aria-valuetext", written(now.form, scale.value(Number(each.value))));
  };
  for (const each of ends) {
    each.addEventListener("input", describe);
    each.addEventListener("change", () => give(values(), false));
  }
  return {
    root, field: ends[0],
    show(next, own) {
      now = next;
      for (const each of ends) each.disabled = now.on === false;
      if (own) return;
      scale = new Scale(now);
      ends.forEach((each, index) => Object.assign(each, {
        min: scale.min, max: scale.max, step: 1, value: scale.place(now.value[index]),
      }));
      describe();
    },
  };
}

/** Have a number typed into a field: it counts with Enter, or when the field is left; Escape gives it back. */
function typable(field, give, value, text) {
  let before = "";
  field.addEventListener("focus", () => { field.value = before = String(value()); field.select(); });
  field.addEventListener("blur", () => { finish(); field.value = text(); });
  field.addEventListener("keydown", (ev) => {
    if (ev.key === "Enter") finish();
    if (ev.key === "Escape") { field.value = before; field.blur(); }
    if (ev.key === "Escape" || ev.key === "Enter") ev.stopPropagation();
  });
  const finish = () => {
    if (field.value === before) return;
    const number = read(field.value);
    give(number ?? field.value, false);
    before = field.value;
  };
}

function number(told, give) {
  const step = told.whole ? 1 : null;
  const field = element("input", {
    type: "text", inputmode: told.whole ? "numeric" : "decimal", class: "number", autocomplete: "off",
    spellcheck: "false", "aria-label": told.label,
  });
  let now = told;
  const by = (steps) => {
    const [low, high] = [now.low ?? -Infinity, now.high ?? Infinity];
    const next = Math.min(Math.max((now.value ?? 0) + steps, low), high);
    now = { ...now, value: next };
    field.value = String(next);
    give(next, false);
  };
  const stepper = (label, steps, sign) => element("button", {
    type: "button", class: "step", "aria-label": `${told.label}: one ${label}`, onclick: () => by(steps),
  }, sign);
  const buttons = step ? [stepper("less", -step, "−"), stepper("more", step, "+")] : [];
  typable(field, (value) => give(value, false), () => now.value, () => plain(now));
  return {
    root: element("div", { class: "field" }, labelled(told), element("span", { class: "typed" }, field, ...buttons)),
    field,
    show(next, own) {
      for (const each of [field, ...buttons]) each.disabled = next.on === false;
      if (own) return;
      now = next;
      if (document.activeElement !== field) field.value = plain(now);
    },
  };
}

const plain = (now) => (now.whole ? String(now.value) : written(now.form, now.value));

function text(told, give) {
  const field = element("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  let before = "";
  let given = "";
  const finish = () => { if (field.value !== before) { before = field.value; give(field.value, false); } };
  field.addEventListener("blur", finish);
  field.addEventListener("keydown", (ev) => {
    if (ev.key === "Enter") finish();
    if (ev.key === "Escape") field.value = before = given;
    if (ev.key === "Escape" || ev.key === "Enter") ev.stopPropagation();
  });
  return {
    root: element("label", { class: "field" }, labelled(told), field), field,
    show(now, own) {
      field.disabled = now.on === false;
      if (own) return;
      given = now.value;
      if (document.activeElement !== field) field.value = before = given;
    },
  };
}

function said() {
  const root = element("p", { class: "said" });
  return {
    root, field: root,
    show(now) {
      say(root, now.label);
      root.dataset.tone = now.tone;
    },
  };
}

function plot(told) {
  const line = svg("polyline", { class: "line" });
  const text = element("figcaption");
  const drawing = svg("svg", { viewBox: "0 0 200 40", preserveAspectRatio: "none", role: "img", "aria-label": told.label }, line);
  const root = element("figure", { class: "plot" }, drawing, text);
  return {
    root, field: root,
    show(now) {
      say(text, now.said);
      const high = now.high > now.low ? now.high : now.low + 1;
      const many = Math.max(now.value.length - 1, 1);
      line.setAttribute("points", now.value.map((value, index) => value === null ? "" :
        `${((200 * index) / many).toFixed(1)},${(40 - (40 * (value - now.low)) / (high - now.low)).toFixed(1)}`).join(" "));
    },
  };
}

const KINDS = { button, switch: toggle, pick, radio, list: listing, slider, span, number, text, said, plot };

/** Make the widget of a description; `give` takes what a person chose. */
export function widget(told, give) {
  const made = KINDS[told.kind](told, give);
  made.root.classList.add("widget");
  made.root.dataset.widget = told.name;
  return made;
}
