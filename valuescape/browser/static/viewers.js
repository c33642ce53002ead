// Who controls: asks to take over, answers others that ask, and says who watches.

import { byId, element, say } from "./dom.js";

/** send(message). changed(controls, viewers, before): whether this page controls, of how many, and whether it did. */
export class Viewers {
  constructor(send, changed) {
    this.send = send;
    this.changed = changed;
    this.banner = byId("banner");
    this.asked = byId("asked");
    this.said = element("span");
    this.ask = element("button", { type: "button", onclick: () => this.askFor() }, "Ask to control");
    this.banner.append(this.said, this.ask);
    this.begin();
  }

  begin() {
    this.controls = false;
    this.waiting = false;
    this.banner.hidden = true;
    this.stopAsking();
  }

  role({ controls, controller, viewer, viewers }) {
    const before = this.controls;
    this.controls = controls;
    this.viewers = viewers;
    if (controls) this.waiting = false;
    else this.stopAsking();
    this.banner.hidden = controls;
    this.ask.disabled = this.waiting;
    say(this.said, this.waiting ? "Asked for control …" : `Watching as viewer ${viewer}: viewer ${controller ?? "…"} controls`);
    document.documentElement.classList.toggle("watching", !controls);
    this.changed(controls, viewers, before);
  }

  askFor() {
    this.waiting = true;
    this.ask.disabled = true;
    say(this.said, "Asked for control …");
    this.send({ type: "control", do: "ask" });
  }

  answered({ given }) {
    this.waiting = false;
    this.ask.disabled = false;
    if (!given) say(this.said, "The other viewer keeps control");
  }

  /** Another viewer asks; it takes over if nobody answers in time. */
  show({ by, within_s: within }) {
    this.stopAsking();
    const until = Date.now() + within * 1000;
    const left = element("span", { class: "left" });
    const keep = element("button", { type: "button", onclick: () => this.give("refuse") }, "Keep control");
    const give = element("button", { type: "button", class: "main", onclick: () => this.give("give") }, "Hand over");
    this.asked.replaceChildren(
      element("p", { id: "asked-said" }, `Viewer ${by} asks to control. `, left),
      element("div", { class: "buttons" }, keep, give));
    this.asked.hidden = false;
    const tick = () => {
      const seconds = Math.max(Math.ceil((until - Date.now()) / 1000), 0);
      say(left, `It takes over in ${seconds} s.`);
      if (!seconds) this.stopAsking();
    };
    tick();
    this.clock = setInterval(tick, 500);
  }

  give(what) {
    this.send({ type: "control", do: what });
    this.stopAsking();
  }

  stopAsking() {
    clearInterval(this.clock);
    this.asked.hidden = true;
    this.asked.replaceChildren();
  }
}
