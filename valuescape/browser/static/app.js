// A run of Valuescape in the browser: puts the parts of the page together.
//
// Messages are those of valuescape/render/displays/streaming/messages.py.

import { Cards } from "./cards.js";
import { decodable } from "./decoding.js";
import { byId, say } from "./dom.js";
import { Link } from "./link.js";
import { Outbox } from "./outbox.js";
import { Panel } from "./panel.js";
import { Picture } from "./picture.js";
import { Shots } from "./shots.js";
import { Tips } from "./tips.js";
import { Tools } from "./tools.js";
import { Touches } from "./touches.js";
import { Viewers } from "./viewers.js";

const NOTE_MS = 4000;
const NARROW = window.matchMedia("(max-width: 760px)");

class Page {
  constructor() {
    this.root = document.documentElement;
    this.waiting = byId("waiting");
    const send = (message) => this.link.send(message);
    this.outbox = new Outbox(send);
    this.touches = new Touches(send, (name, said) => this.panel.answer(name, said));
    this.panel = new Panel(byId("panel"), this.touches);
    this.cards = new Cards(() => this.touches.give("help", false));
    this.viewers = new Viewers(send, (controls, many, before) => this.takeRole(controls, many, before));
    this.shots = new Shots(send, (text) => this.note(text));
    this.picture = new Picture(byId("picture"), send, (event) => this.happened(event), () => this.preferPictures());
    this.tools = new Tools(byId("tools"), this.actions());
    // A button that was clicked hands the focus back before it acts, so that keys go on being the picture's.
    this.tools.root.addEventListener("click", (ev) => { if (ev.detail) this.focusPicture(); }, true);
    this.tips = new Tips(byId("tip"), byId("panel"));
    this.codecs = decodable();
    this.prefer = "auto";
    this.showPanel(!NARROW.matches && localPanel() !== "closed");
    document.addEventListener("keydown", (ev) => this.key(ev));
    // Where the picture has the focus is shown to those that move it by keys.
    document.addEventListener("keydown", (ev) => { if (ev.key === "Tab") this.root.classList.add("by-keys"); }, true);
    document.addEventListener("pointerdown", () => this.root.classList.remove("by-keys"), true);
    const url = new URL("messages", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    this.link = new Link(url.href, {
      message: (content, bytes) => this.take(content, bytes),
      state: (name, seconds, why) => this.showLink(name, seconds, why),
      ask: () => this.outbox.ask(),
    });
    this.focusPicture();
  }

  focusPicture() {
    this.picture.canvas.focus({ preventScroll: true });
  }

  actions() {
    const press = (name) => () => this.touches.give(name, true);
    const stroke = (key, code) => () => this.picture.hands.stroke(key, code);
    return {
      pause: press("request pause"), step: press("request step"), fit: press("request fit"),
      slower: stroke("-", "Minus"), faster: stroke("+", "Equal"), home: stroke("r", "KeyR"),
      project: () => this.touches.give("render.view", this.panel.find("render.view")?.value === "2d" ? "3d" : "2d"),
      costs: () => this.touches.give("frame costs", !this.panel.find("frame costs")?.value),
      help: () => this.toggleHelp(),
      copy: () => this.shots.copy(), save: () => this.shots.save(),
      full: () => this.fullScreen(),
      panel: () => this.showPanel(this.root.classList.contains("no-panel"), true),
    };
  }

  /** Help is the run's, so that H opens it for whoever controls; those that watch have their own. */
  toggleHelp() {
    if (this.viewers.controls) this.touches.give("help", !this.cards.help.open);
    else this.cards.showHelp(!this.cards.help.open);
  }

  // --- The connection ---

  async showLink(name, seconds, why) {
    this.root.dataset.link = name;
    if (name === "open") await this.begin();
    else if (name === "lost") this.lose(seconds, why);
    else if (name === "refused") this.say("This page needs its address with the token again: see what the program printed.");
  }

  async begin() {
    this.outbox.begin();
    this.touches.begin();
    this.shots.begin();
    this.viewers.begin();
    this.ended = null;
    this.root.classList.remove("ended");
    this.link.send({ type: "accepts", codecs: await this.codecs, prefer: this.prefer });
    this.picture.begin();
    if (!this.picture.frames.count) this.say("Waiting for the first picture …");
    else this.say("");
  }

  lose(seconds, why) {
    this.viewers.begin();
    this.panel.enable(false);
    this.tools.enable(false);
    const when = seconds < 1.5 ? "Trying again …" : `Trying again in ${Math.round(seconds)} s.`;
    this.say(this.ended ?? `${why ? `The run ended the connection: ${why}.` : "Connection lost."} ${when}`);
    this.root.classList.toggle("ended", Boolean(this.ended));
  }

  say(text) {
    say(this.waiting.lastElementChild, text);
    this.waiting.hidden = !text;
  }

  note(text) {
    this.cards.showNotice(text);
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => this.cards.showNotice(""), NOTE_MS);
  }

  preferPictures() {
    this.prefer = "pictures";
    this.codecs.then((codecs) => this.link.send({ type: "accepts", codecs, prefer: this.prefer }));
  }

  // --- Messages ---

  take(message, bytes) {
    const take = this.takers[message.type];
    if (take) take.call(this, message, bytes);
  }

  takers = {
    frame(message, bytes) {
      this.picture.frames.take(message, bytes);
      if (!this.waiting.hidden) this.say("");
    },
    heard({ number }) { this.outbox.heard(number); },
    role(message) { this.viewers.role(message); },
    asked(message) { this.viewers.show(message); },
    answered(message) { this.viewers.answered(message); },
    state(message) { this.tools.showState(message); },
    panel(message) { this.takePanel(message); },
    cards(message) { this.cards.take(message); },
    answer(message) { this.touches.take(message); },
    picture(message, bytes) { this.shots.take(message, bytes); },
    copy({ text }) { navigator.clipboard?.writeText(text).catch(() => {}); },
    "full screen"() { this.fullScreen(); },
    ended({ said }) {
      this.ended = said ? `The run has ended: ${said}` : "The run has ended.";
      this.say(this.ended);
      this.root.classList.add("ended");
    },
  };

  takePanel(message) {
    for (const row of Object.values(message.rows)) {
      for (const each of row.widgets ?? []) this.touches.settled(each.name);
    }
    this.panel.take(message);
    const view = this.panel.find("render.view");
    if (view) this.tools.showView(view.value === "2d");
    this.tools.showSwitch(this.tools.costs, this.panel.find("frame costs")?.value);
  }

  takeRole(controls, many, before) {
    this.panel.enable(controls);
    this.tools.enable(controls);
    if (controls && !before && many > 1) this.note("You control now");
    // The picture takes the size of the page that controls.
    if (controls && !before) { this.picture.size = ""; this.picture.tellSize(); }
  }

  // --- Keys, panel, screen ---

  happened(event) {
    if (this.viewers.controls && this.link.ready) this.outbox.push(event);
  }

  /** Keys of the picture act beside it, too, but for those that the element with the focus needs itself. */
  key(ev) {
    const at = ev.target;
    if (ev.defaultPrevented || at === this.picture.canvas || this.cards.help.open) return;
    const typing = at.matches?.("input[type=text], input[type=search], select, textarea");
    const ours = /^F\d+$/.test(ev.key) || (!typing && /^[a-z.,+-]$/i.test(ev.key));
    const slider = ev.key === " " && at.matches?.("input[type=range]");
    if (at !== document.body && !ours && !slider) return;
    this.picture.hands.key(ev, true);
    this.picture.hands.letGo();
  }

  showPanel(on, chosen = false) {
    this.root.classList.toggle("no-panel", !on);
    this.tools.panel.setAttribute("aria-expanded", String(on));
    if (chosen) keepPanel(on ? "open" : "closed");
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch(() => this.note("This browser does not let a page fill the screen"));
  }
}

function localPanel() {
  try {
    return localStorage.getItem("valuescape.panel");
  } catch {
    return null;
  }
}

function keepPanel(state) {
  try {
    localStorage.setItem("valuescape.panel", state);
  } catch {
    // A browser that keeps nothing.
  }
}

window.valuescape = new Page();
