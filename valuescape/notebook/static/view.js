// A live view of Valuescape on a page: shows frames and answers them, sends events, and has a few controls.
//
// The messages are those of valuescape/render/displays/streaming/messages.py. What is imported is in
// valuescape/render/displays/streaming/static, and written into this module when a widget is made.

import { element, say } from "./dom.js";
import { Hands } from "./input.js";
import { Outbox } from "./outbox.js";

const BUSY_MS = 1500; // events that wait longer than this are told to a person
const SPEEDS = 27; // steps of the slider, half octaves from 1 tick a second; the last one is without a limit
const THROTTLE_MS = 80;

/** Ticks a second at a place of the slider, and back; 0 is without a limit. */
export function speedAt(place) {
  return place >= SPEEDS ? 0 : 2 ** (place / 2);
}
export function placeOf(speed) {
  return speed <= 0 ? SPEEDS : Math.min(Math.max(Math.round(2 * Math.log2(speed)), 0), SPEEDS - 1);
}

/** What all views of one widget on a page share: the frame that is shown, and the way to the kernel. */
class Link {
  constructor(model) {
    this.model = model;
    this.views = new Set();
    this.state = {};
    this.ended = null;
    this.url = "";
    this.outdated = []; // addresses of frames that may still be on the page, until a later one is
    this.outbox = new Outbox((message) => this.send(message));
    this.onMessage = (message, buffers) => this.take(message, buffers);
    this.onVisibility = () => this.tellWatching();
    model.on("msg:custom", this.onMessage);
    document.addEventListener("visibilitychange", this.onVisibility);
  }

  send(message) {
    try {
      this.model.send(message);
    } catch {
      // The kernel is gone; the picture stays.
    }
  }

  take(message, buffers) {
    if (message.type === "frame") this.showFrame(message, buffers[0]);
    else if (message.type === "heard") this.outbox.heard(message.number);
    else if (message.type === "state") this.state = message;
    else if (message.type === "ended") this.ended = message.said || "closed";
    else if (message.type === "copy") navigator.clipboard?.writeText(message.text).catch(() => {});
    for (const view of this.views) view.take(message);
  }

  showFrame(message, buffer) {
    if (this.url) this.outdated.push(this.url);
    this.url = URL.createObjectURL(new Blob([buffer], { type: message.format }));
    let answered = false;
    const answer = () => {
      if (answered) return;
      answered = true;
      this.send({ type: "shown", frame: message.number });
      this.forgetOutdated();
    };
    for (const view of this.views) view.showPicture(this.url, answer);
  }

  forgetOutdated() {
    for (const each of this.outdated.splice(0)) URL.revokeObjectURL(each);
  }

  tellWatching() {
    const on = document.visibilityState === "visible" && [...this.views].some((view) => view.inSight);
    if (on === this.watching) return;
    this.watching = on;
    if (on) for (const view of this.views) view.tellSize();
    this.send({ type: "watching", on });
  }

  close() {
    this.send({ type: "watching", on: false });
    this.model.off("msg:custom", this.onMessage);
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.forgetOutdated();
    if (this.url) URL.revokeObjectURL(this.url);
  }
}

/** Hands on a picture among cells: until it was clicked, the wheel scrolls the page past it; its keys are no cell's. */
class HandsAmongCells extends Hands {
  wheel(ev) {
    const picture = this.canvas;
    if (document.activeElement !== picture && picture.getRootNode().activeElement !== picture) return;
    super.wheel(ev);
    ev.stopPropagation();
  }

  key(ev, down) {
    super.key(ev, down);
    if (ev.defaultPrevented) ev.stopPropagation();
  }
}

/** The picture: shows frames, and turns what happens on it into events. */
class Picture {
  constructor(link, width, height) {
    this.image = element("img", { alt: "", draggable: "false" });
    this.root = element("div", {
      class: "vs-picture", tabindex: "0", role: "application", "data-lm-suppress-shortcuts": "true",
      "aria-label": "Live view of a critic and its agents. Keys act while it has the focus; H shows them. " +
        "Tab leaves it.", ondblclick: (ev) => ev.preventDefault(),
    }, this.image);
    this.root.style.aspectRatio = `${width} / ${height}`;
    this.hands = new HandsAmongCells(this.root, (event) => link.outbox.push(event), (ev) => this.place(ev));
  }

  place(ev) {
    const box = this.root.getBoundingClientRect();
    return [(ev.clientX - box.left) / box.width, (ev.clientY - box.top) / box.height];
  }
}

/** The row of controls below a picture. */
class Controls {
  constructor(link, keys, toggleFullScreen) {
    this.link = link;
    this.held = new Map();
    const button = (text, title, onclick) => element("button", { type: "button", title, onclick }, text);
    const ask = (name) => () => link.outbox.tell({ type: "request", name });
    this.play = button("Pause", "Pause the simulation, or let it go on (Space)", ask("pause"));
    this.step = button("Step", "One tick, while paused (→)", ask("step"));
    this.layer = element("select", { onchange: () => this.change("heatmap.layer", this.layer.value) });
    this.speed = this.slider("sim.ticks_per_s", SPEEDS, speedAt);
    this.speedSaid = element("output");
    this.scrub = this.slider("policy.steps", 0, (place) => this.steps[place]);
    this.scrubSaid = element("output");
    this.scrubLabel = element("label", { class: "vs-scrub", hidden: true }, "checkpoint ", this.scrub,
      this.scrubSaid);
    this.steps = [];
    this.help = element("div", { hidden: true, class: "vs-keys", role: "list" });
    for (const [key, said] of keys) {
      this.help.append(element("span", { role: "listitem" }, element("b", {}, key), ` ${said}`));
    }
    this.helpButton = button("Keys", "Keys and gestures", () => this.toggleHelp());
    this.helpButton.setAttribute("aria-expanded", "false");
    this.status = element("span", { role: "status", class: "vs-status" });
    this.row = element("div", { class: "vs-controls", role: "toolbar", "aria-label": "Controls of the view" },
      this.play, this.step,
      element("label", {}, "map ", this.layer),
      element("label", {}, "speed ", this.speed, this.speedSaid),
      this.scrubLabel,
      button("Screenshot", "Save the picture as a file beside the notebook", ask("screenshot")),
      button("Full screen", "Fill the screen, or go back", toggleFullScreen),
      this.helpButton, this.status);
    this.root = element("div", {}, this.row, this.help);
  }

  slider(name, max, valueAt) {
    const made = element("input", { type: "range", min: "0", max: String(max), step: "1" });
    made.addEventListener("input", () => {
      this.held.set(made, Date.now());
      this.say(made);
      clearTimeout(made.timer);
      made.timer = setTimeout(() => this.change(name, valueAt(Number(made.value))), THROTTLE_MS);
    });
    return made;
  }

  change(name, value) {
    this.link.outbox.tell({ type: "change", name, value });
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
    this.helpButton.setAttribute("aria-expanded", String(!this.help.hidden));
  }

  /** Move a slider, unless a hand is on it. */
  put(slider, place) {
    if (Date.now() - (this.held.get(slider) ?? 0) > 1000) slider.value = String(place);
    this.say(slider);
  }

  say(slider) {
    const place = Number(slider.value);
    if (slider === this.speed) {
      const speed = speedAt(place);
      const exact = placeOf(this.told ?? -1) === place && this.told ? this.told : speed;
      this.speedSaid.value = speed ? `${Math.round(exact).toLocaleString("en")} ticks/s` : "no limit";
      slider.setAttribute("aria-valuetext", this.speedSaid.value);
    } else if (this.steps.length) {
      this.scrubSaid.value = `${this.steps[place].toLocaleString("en")} steps (${place + 1} of ${this.steps.length})`;
      slider.setAttribute("aria-valuetext", this.scrubSaid.value);
    }
  }

  show(state) {
    this.play.textContent = state.paused ? "Play" : "Pause";
    this.step.disabled = !state.paused;
    if ([...this.layer.options].map((each) => each.value).join() !== state.layers.join()) {
      this.layer.replaceChildren(...state.layers.map((name) => element("option", { value: name }, name)));
    }
    this.layer.value = state.layer;
    this.told = state.ticks_per_s;
    this.put(this.speed, placeOf(state.ticks_per_s));
    this.steps = state.steps;
    this.scrubLabel.hidden = state.steps.length < 2;
    this.scrub.max = String(Math.max(state.steps.length - 1, 0));
    if (state.steps.length) this.put(this.scrub, state.at);
  }

  end(said) {
    for (const each of this.row.querySelectorAll("button, select, input")) {
      each.disabled = each !== this.helpButton;
    }
    this.status.textContent = said === "closed" ? "This view is closed; run its cell for another."
      : `This view has ended: ${said}`;
  }
}

/** One place on the page that shows the widget. */
class View {
  constructor(link, el) {
    this.link = link;
    this.inSight = false;
    const model = link.model;
    this.picture = new Picture(link, model.get("width"), model.get("height"));
    this.controls = new Controls(link, model.get("key_help"), () => this.toggleFullScreen());
    this.root = element("div", { class: "vs-view" }, this.picture.root, this.controls.root);
    this.root.style.maxWidth = `${model.get("width")}px`;
    el.append(this.root);
    this.sight = new IntersectionObserver((entries) => {
      this.inSight = entries.at(-1).isIntersecting;
      link.tellWatching();
    });
    this.size = new ResizeObserver(() => this.sizeSoon());
    this.sight.observe(this.picture.root);
    this.size.observe(this.picture.root);
    this.clock = setInterval(() => this.look(), 500);
    this.begin();
  }

  begin() {
    const link = this.link;
    const still = link.model.get("still");
    if (link.url) this.picture.image.src = link.url;
    else if (still?.byteLength) {
      const reader = new FileReader();
      reader.onload = () => { if (!this.picture.image.src) this.picture.image.src = reader.result; };
      reader.readAsDataURL(new Blob([still], { type: "image/jpeg" }));
    }
    if (link.state.type) this.controls.show(link.state);
    if (link.ended) this.controls.end(link.ended);
  }

  showPicture(url, answer) {
    const image = this.picture.image;
    image.onload = answer;
    image.onerror = answer;
    image.src = url;
  }

  take(message) {
    if (message.type === "state") this.controls.show(message);
    else if (message.type === "ended") this.controls.end(this.link.ended);
    else if (message.type === "full screen") this.toggleFullScreen();
  }

  look() {
    const waits = this.link.outbox.unheard > 0 && !this.link.ended;
    this.since = waits ? this.since ?? Date.now() : null;
    if (this.link.ended) return;
    const busy = waits && Date.now() - this.since > BUSY_MS;
    const said = busy ? "No answer yet: the kernel is busy with a cell, or was restarted." : "";
    say(this.controls.status, said);
  }

  sizeSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tellSize(), 100);
  }

  tellSize() {
    const { clientWidth: width, clientHeight: height } = this.picture.root;
    if (width && height) this.link.send({ type: "size", width, height, ratio: window.devicePixelRatio });
  }

  toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch(() => {});
  }

  close() {
    this.sight.disconnect();
    this.size.disconnect();
    clearInterval(this.clock);
    this.link.views.delete(this);
    this.root.remove();
    this.inSight = false;
    this.link.tellWatching();
  }
}

export default () => {
  let link;
  return {
    initialize({ model }) {
      link = new Link(model);
      return () => link.close();
    },
    render({ model, el }) {
      link ??= new Link(model);
      const view = new View(link, el);
      link.views.add(view);
      return () => view.close();
    },
  };
};
