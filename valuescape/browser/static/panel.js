// The panel: headings and rows of settings, made from the program's description of them.

import { element, newId, say } from "./dom.js";
import { widget } from "./widgets.js";

const REMEMBERED = "valuescape.open"; // headings that a person opened or closed, in this browser

const matches = (words, query) => query.toLowerCase().split(/\s+/).every((word) => words.includes(word));

/** A row: its widgets, its mark, and what was refused. */
class Row {
  constructor(name, touches) {
    this.name = name;
    this.touches = touches;
    this.told = { widgets: [], mark: null, words: "", tip: "" };
    this.made = new Map(); // widgets by their names
    this.line = element("div", { class: "line" });
    // Escape gives a field its value back, and with it goes what was said against another one.
    this.line.addEventListener("keydown", (ev) => { if (ev.key === "Escape") this.forgive(); }, true);
    this.reset = element("button", { type: "button", class: "reset", hidden: true, onclick: () => this.press() }, "↺");
    this.meaning = element("p", { class: "meaning", id: newId() });
    this.refused = element("p", { class: "refused", id: newId(), role: "alert", hidden: true });
    this.root = element("div", { class: "row" }, this.line, this.reset, this.meaning, this.refused);
    this.root.dataset.row = name;
  }

  press() {
    this.touches.give(this.told.mark.name, true);
  }

  show(change) {
    this.told = { ...this.told, ...change };
    if (change.widgets) this.showWidgets();
    if ("tip" in change) this.showTip();
    if ("mark" in change) this.showMark();
  }

  showWidgets() {
    const { widgets } = this.told;
    const shape = widgets.map((each) => `${each.kind} ${each.name}`).join("\n");
    if (shape !== this.shape) this.build(shape);
    for (const each of widgets) this.made.get(each.name).show(each, this.touches.isOwn(each.name));
  }

  build(shape) {
    this.shape = shape;
    const { widgets } = this.told;
    this.made = new Map(widgets.map((each) => {
      const made = widget(each, (value, held = false) => this.give(each.name, value, held));
      if (each.tip) made.field.title = each.tip;
      return [each.name, made];
    }));
    const lines = [];
    for (const each of widgets) {
      const { root } = this.made.get(each.name);
      if (each.beside && lines.length) lines.at(-1).append(root);
      else lines.push(element("div", { class: "widgets" }, root));
    }
    this.line.replaceChildren(...lines);
    this.showTip();
  }

  give(name, value, held) {
    this.refuse(name, "");
    this.touches.give(name, value, held);
  }

  showTip() {
    const { tip } = this.told;
    say(this.meaning, tip);
    for (const { field } of this.made.values()) {
      if (tip) field.setAttribute("aria-describedby", this.meaning.id);
    }
  }

  showMark() {
    const { mark } = this.told;
    this.root.classList.toggle("changed", Boolean(mark));
    this.root.classList.toggle("drafted", Boolean(mark?.drafted));
    this.reset.hidden = !mark;
    if (mark) {
      this.reset.title = mark.tip;
      this.reset.setAttribute("aria-label", mark.tip);
    }
  }

  /** Show what was answered: the program's value again, and why it is not the one that was asked for. */
  answer(name, said) {
    this.refuse(name, said);
    const told = this.told.widgets.find((each) => each.name === name);
    if (said && told) this.made.get(name).show(told, false);
  }

  forgive() {
    for (const name of this.made.keys()) this.refuse(name, "");
  }

  refuse(name, said) {
    this.refused.hidden = !said;
    say(this.refused, said);
    const field = this.made.get(name)?.field;
    if (!field) return;
    if (said) {
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-errormessage", this.refused.id);
    } else {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-errormessage");
    }
  }
}

/** A heading with its rows. */
class Section {
  constructor(told, panel) {
    this.panel = panel;
    this.name = told.name;
    this.rows = element("fieldset", {}, element("legend", { class: "unseen" }, told.title));
    this.summary = element("summary", {}, element("h3", {}, told.title));
    if (told.tip) this.summary.title = told.tip;
    this.root = element("details", { class: "section" }, this.summary, this.rows);
    this.root.open = panel.remembered[told.name] ?? told.open;
    this.root.addEventListener("toggle", () => panel.remember(this));
  }
}

/** The whole panel. send(message): to the program. */
export class Panel {
  constructor(root, touches) {
    this.root = root;
    this.touches = touches;
    this.rows = new Map();
    this.sections = new Map();
    this.layout = [];
    this.query = "";
    this.remembered = recall();
    this.build();
  }

  build() {
    this.search = element("input", {
      type: "search", placeholder: "Search settings", "aria-label": "Search settings", autocomplete: "off",
      oninput: () => { this.query = this.search.value.trim(); this.filter(); },
    });
    this.meanings = element("button", {
      type: "button", class: "quiet", "aria-pressed": "false", title: "Show what each setting means",
      onclick: () => this.explain(),
    }, "Meanings");
    this.found = element("p", { class: "found", role: "status" });
    this.top = { bar: this.row("bar"), drafts: this.row("drafts") };
    this.saving = this.savingForm();
    this.body = element("div", { class: "sections" });
    this.lock = element("fieldset", { class: "lock" }, element("legend", { class: "unseen" }, "Settings"),
      element("div", { class: "bar" }, this.top.bar.root, this.saving), this.body, this.top.drafts.root);
    this.root.replaceChildren(
      element("div", { class: "panel-head" }, element("h2", {}, "Settings"), this.meanings),
      element("div", { class: "search", role: "search" }, this.search), this.found, this.lock);
    this.top.drafts.root.classList.add("drafts");
  }

  /** The form that saves a preset: a name, and a folder. */
  savingForm() {
    this.presetName = element("input", { type: "text", value: "mine", autocomplete: "off", spellcheck: "false" });
    this.folder = element("select", {});
    const save = element("button", { type: "button", onclick: () => this.save() }, "Save");
    this.saveSaid = element("p", { class: "refused", role: "alert", hidden: true });
    this.saveOpen = element("summary", { class: "as-button" }, "Save…");
    this.saveDetails = element("details", { class: "saving" }, this.saveOpen,
      element("label", { class: "field" }, element("span", { class: "label" }, "name"), this.presetName),
      element("label", { class: "field" }, element("span", { class: "label" }, "folder"), this.folder),
      save, this.saveSaid);
    return this.saveDetails;
  }

  save() {
    const name = this.folder.value;
    this.touches.give(name, this.presetName.value);
  }

  explain() {
    const on = !this.root.classList.contains("explained");
    this.root.classList.toggle("explained", on);
    this.meanings.setAttribute("aria-pressed", String(on));
  }

  row(name) {
    if (!this.rows.has(name)) this.rows.set(name, new Row(name, this.touches));
    return this.rows.get(name);
  }

  take(message) {
    if (message.whole) this.forget(message.rows);
    for (const [name, change] of Object.entries(message.rows)) this.takeRow(name, change);
    if (message.sections) this.arrange(message.sections);
    else if (this.query) this.filter();
  }

  /** Forget rows that are no more. */
  forget(rows) {
    for (const name of this.rows.keys()) {
      if (!(name in rows) && !(name in this.top)) this.rows.delete(name);
    }
  }

  takeRow(name, change) {
    if (name !== "saving") {
      this.row(name).show(change);
      return;
    }
    if (change.tip) this.saveOpen.title = change.tip;
    this.folder.replaceChildren(...change.widgets.map((each) => element("option", { value: each.name }, each.label)));
  }

  /** Put headings and rows in their order; those that stay are not touched, so that the focus stays. */
  arrange(sections) {
    this.layout = sections;
    const seen = sections.map((told) => {
      if (!this.sections.has(told.name)) this.sections.set(told.name, new Section(told, this));
      const section = this.sections.get(told.name);
      place(section.rows, told.rows.map((name) => this.row(name).root), 1);
      return section.root;
    });
    place(this.body, seen, 0);
    this.filter();
  }

  /** Show the rows that have all words of the search. */
  filter() {
    let many = 0;
    for (const told of this.layout) {
      const section = this.sections.get(told.name);
      let some = 0;
      for (const name of told.rows) {
        const row = this.row(name);
        const found = !this.query || matches(row.told.words, this.query);
        row.root.hidden = !found;
        some += found;
      }
      many += some;
      section.root.hidden = !some;
      if (this.query) {
        section.before ??= section.root.open;
        section.root.open = true;
      } else if (section.before !== undefined) {
        section.root.open = section.before;
        section.before = undefined;
      }
    }
    say(this.found, this.query ? (many === 1 ? "1 setting" : `${many} settings`) : "");
  }

  remember(section) {
    if (this.query || section.before !== undefined) return;
    this.remembered[section.name] = section.root.open;
    keep(this.remembered);
  }

  /** A widget was answered. */
  answer(name, said) {
    for (const row of this.rows.values()) {
      if (row.made.has(name) || row.told.mark?.name === name) {
        row.answer(name, said);
        return;
      }
    }
    if (this.folder.querySelector(`option[value="${CSS.escape(name)}"]`)) {
      this.saveSaid.hidden = !said;
      say(this.saveSaid, said);
      this.saveDetails.open = Boolean(said);
    }
  }

  /** The description of a widget; null if there is none now. */
  find(name) {
    for (const row of this.rows.values()) {
      const found = row.told.widgets.find((each) => each.name === name);
      if (found) return found;
    }
    return null;
  }

  enable(on) {
    this.lock.disabled = !on;
  }
}

/** Make a parent's children these, in this order, from an index on. */
function place(parent, wanted, from) {
  wanted.forEach((child, index) => {
    const now = parent.children[from + index];
    if (now !== child) parent.insertBefore(child, now ?? null);
  });
  while (parent.children.length > from + wanted.length) parent.lastElementChild.remove();
}

function recall() {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED)) ?? {};
  } catch {
    return {};
  }
}

function keep(remembered) {
  try {
    localStorage.setItem(REMEMBERED, JSON.stringify(remembered));
  } catch {
    // A browser that keeps nothing.
  }
}
