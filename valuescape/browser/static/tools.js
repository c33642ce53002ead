// The toolbar of the picture: what is needed often, within reach of a thumb.

import { element } from "./dom.js";
import { icon } from "./icons.js";

/** A button with an icon, a name, and its key. */
function tool(name, label, key, act) {
  const title = key ? `${label} (${key})` : label;
  return element("button", { type: "button", class: "tool", "aria-label": label, title, onclick: act }, icon(name));
}

function rename(button, name, label, key) {
  if (button.getAttribute("aria-label") === label) return;
  button.setAttribute("aria-label", label);
  button.title = `${label} (${key})`;
  button.replaceChildren(icon(name));
}

/** do: what the buttons do, by name. */
export class Tools {
  constructor(root, act) {
    this.root = root;
    this.pause = tool("pause", "Pause", "Space", act.pause);
    this.step = tool("step", "One tick", "→", act.step);
    this.flat = tool("field", "Height field", "F9", act.project);
    this.costs = tool("costs", "Frame costs", "F3", act.costs);
    this.panel = tool("panel", "Settings", "", act.panel);
    this.panel.setAttribute("aria-controls", "panel");
    this.full = tool("full", "Full screen", "F11", act.full);
    const group = (label, ...buttons) => element("div", { class: "tool-group", role: "group", "aria-label": label }, ...buttons);
    const [copy, fit] = [tool("copy", "Copy the picture", "", act.copy), tool("fit", "Fit to the agents", "A", act.fit)];
    for (const each of [copy, fit, this.costs, this.full]) each.classList.add("spare"); // where there is little room
    this.driving = group("Simulation", this.pause, this.step, tool("slower", "Slower", "−", act.slower),
      tool("faster", "Faster", "+", act.faster));
    this.seeing = group("View", this.flat, tool("home", "Reset the view", "R", act.home),
      fit, this.costs);
    root.append(this.driving, this.seeing,
      group("Picture", copy, tool("save", "Save the picture", "", act.save), this.full),
      group("Page", tool("help", "Help", "H", act.help), this.panel));
    root.addEventListener("keydown", (ev) => this.walk(ev));
    this.rove(this.pause);
  }

  /** The arrow keys walk along a toolbar, of which Tab enters one button. */
  walk(ev) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[ev.key];
    const buttons = [...this.root.querySelectorAll("button:not(:disabled)")];
    if (!step || !buttons.length) return;
    ev.preventDefault();
    const next = buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length];
    this.rove(next);
    next.focus();
  }

  rove(chosen) {
    for (const each of this.root.querySelectorAll("button")) each.tabIndex = each === chosen ? 0 : -1;
  }

  showState({ paused: still }) {
    rename(this.pause, still ? "play" : "pause", still ? "Go on" : "Pause", "Space");
    this.step.disabled = !this.controls || !still;
    this.still = still;
  }

  showView(flat) {
    rename(this.flat, flat ? "field" : "map", flat ? "Height field" : "Map", "F9");
  }

  showSwitch(button, on) {
    button.setAttribute("aria-pressed", String(Boolean(on)));
  }

  enable(controls) {
    this.controls = controls;
    for (const each of [this.driving, this.seeing]) {
      for (const button of each.querySelectorAll("button")) button.disabled = !controls;
    }
    this.step.disabled = !controls || !this.still;
    this.rove(this.root.querySelector("button:not(:disabled)"));
  }
}
