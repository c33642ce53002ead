// Hands on the picture: pointer, wheel, fingers and keys, as events of the program.

const TAP_MS = 280; // between two taps that are one gesture
const TAP_PX = 28; // how far apart they may be
const STILL_PX = 8; // fingers tremble
const LONG_MS = 500; // a finger that rests so long selects an agent
const STEPS_PER_OCTAVE = 5; // notches of the wheel for two fingers that go to twice their distance

/** Whether a key is the browser's: its shortcuts, and those that leave the picture, stay what they are. */
export function isForeign(ev) {
  if (ev.isComposing || ev.metaKey || ev.altKey) return true;
  if (["Tab", "F5", "F6", "F12", "Enter", "PageUp", "PageDown", "Process", "Dead"].includes(ev.key)) return true;
  return ev.ctrlKey && !/^([zy0-9]|Control|Shift)$/i.test(keyName(ev));
}

/**
 * The key as the program names it. On keyboards whose letters are not Latin, and whose digits need Shift, the
 * place of the key counts where its character means nothing.
 */
export function keyName(ev) {
  const digit = /^Digit(\d)$/.exec(ev.code);
  if (digit && !ev.shiftKey && !/^[\d+=.,-]$/.test(ev.key)) return digit[1];
  const letter = /^Key([A-Z])$/.exec(ev.code);
  if (letter && ev.key.length === 1 && ev.key.charCodeAt(0) > 0x24f) return letter[1].toLowerCase();
  return ev.key;
}

/** Notches of a wheel, forward positive, whatever unit the browser counts in. */
export function wheelSteps(ev) {
  const unit = { 0: 100, 1: 3, 2: 1 }[ev.deltaMode] ?? 100;
  const pinch = ev.ctrlKey ? 8 : 1; // a pinch on a touchpad comes as a wheel with Ctrl and small steps
  return Math.min(Math.max((-ev.deltaY * pinch) / unit, -10), 10);
}

/**
 * Turns what happens on the picture into events. push(event): takes them. place(ev): the share of the picture
 * that a pointer is at.
 */
export class Hands {
  constructor(canvas, push, place) {
    this.canvas = canvas;
    this.push = push;
    this.place = place;
    this.pointers = new Map();
    this.held = new Set(); // keys
    this.pinching = null;
    this.tapped = null;
    const on = (name, handler) => canvas.addEventListener(name, handler, { passive: false });
    on("pointerdown", (ev) => this.down(ev));
    on("pointermove", (ev) => this.move(ev));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) on(name, (ev) => this.up(ev));
    on("wheel", (ev) => this.wheel(ev));
    on("contextmenu", (ev) => { if (!ev.shiftKey) ev.preventDefault(); });
    on("keydown", (ev) => this.key(ev, true));
    on("keyup", (ev) => this.key(ev, false));
    on("blur", () => this.letGo()); // also when the window loses the focus
  }

  down(ev) {
    this.canvas.focus({ preventScroll: true });
    const button = { 0: "left", 2: "right" }[ev.button];
    if (!button || this.pointers.has(ev.pointerId)) return;
    ev.preventDefault();
    this.canvas.setPointerCapture(ev.pointerId);
    const at = this.place(ev);
    const held = { at, button, first: at, from: [ev.clientX, ev.clientY], shift: ev.shiftKey };
    this.pointers.set(ev.pointerId, held);
    if (this.pointers.size === 2 && ev.pointerType === "touch") this.beginPinch();
    if (this.pointers.size !== 1) return;
    if (ev.pointerType === "touch") this.rest(held);
    else this.press(button, at, ev.shiftKey);
  }

  /** A finger that has just come down: what it means shows when it moves, goes, or stays. */
  rest(held) {
    held.resting = setTimeout(() => {
      held.resting = null;
      held.done = true;
      this.tapped = null;
      this.clicks(held.first, 2);
    }, LONG_MS);
  }

  /** Press and release so many times: two select an agent. */
  clicks([x, y], times) {
    for (let time = 0; time < times; time += 1) {
      this.press("left", [x, y], false);
      this.push(["release", "left", x, y]);
    }
  }

  press(button, [x, y], shift) {
    this.push(["move", x, y]);
    this.push(["press", button, x, y, shift]);
  }

  move(ev) {
    const held = this.pointers.get(ev.pointerId);
    if (held) held.at = this.place(ev);
    if (this.pinching) {
      if (held) this.pinch();
      return;
    }
    if (held?.resting && !this.sets(ev, held)) return;
    const first = this.pointers.keys().next().value;
    if (held?.done || (first !== undefined && first !== ev.pointerId)) return;
    this.push(["move", ...this.place(ev)]);
  }

  /** Whether a finger that rested begins to move: a drag, from where it came down. */
  sets(ev, held) {
    if (Math.hypot(ev.clientX - held.from[0], ev.clientY - held.from[1]) < STILL_PX) return false;
    clearTimeout(held.resting);
    held.resting = this.tapped = null;
    this.press(held.button, held.first, held.shift);
    return true;
  }

  up(ev) {
    const held = this.pointers.get(ev.pointerId);
    if (!held) return;
    this.pointers.delete(ev.pointerId);
    if (this.pinching) {
      if (this.pointers.size < 2) this.endPinch();
      return;
    }
    if (held.resting) {
      clearTimeout(held.resting);
      if (ev.type === "pointerup") this.tap(held, ev.timeStamp);
      return;
    }
    if (held.done) return;
    if (ev.type === "pointerup") held.at = this.place(ev);
    this.push(["release", held.button, ...held.at]);
  }

  /** A tap selects a place; a second one soon after, at the same place, resets the view instead. */
  tap(held, when) {
    const before = this.tapped;
    this.tapped = null;
    clearTimeout(before?.timer);
    const near = before && Math.hypot(held.from[0] - before.from[0], held.from[1] - before.from[1]) < TAP_PX;
    if (near && when - before.when < TAP_MS) {
      this.stroke("r", "KeyR");
      return;
    }
    if (before) this.clicks(before.at, 1);
    const timer = setTimeout(() => { this.tapped = null; this.clicks(held.first, 1); }, TAP_MS);
    this.tapped = { from: held.from, at: held.first, when, timer };
  }

  /** Press and release a key. */
  stroke(key, code, { shift = false, control = false } = {}) {
    this.push(["key", key, code, true, shift, control]);
    this.push(["key", key, code, false, shift, control]);
  }

  // Two fingers move the view as the right button does, and zoom as the wheel does.

  beginPinch() {
    const [first] = this.pointers.values();
    if (first.resting) clearTimeout(first.resting);
    else if (!first.done) this.push(["release", first.button, ...first.at]);
    for (const each of this.pointers.values()) Object.assign(each, { resting: null, done: true });
    clearTimeout(this.tapped?.timer);
    this.tapped = null;
    this.pinching = { spread: this.spread(), at: this.middle() };
    this.press("right", this.pinching.at, false);
  }

  pinch() {
    const { pinching } = this;
    const [middle, spread] = [this.middle(), this.spread()];
    pinching.at = middle;
    this.push(["move", ...middle]);
    if (pinching.spread <= 0 || spread <= 0) return;
    const steps = Math.log2(spread / pinching.spread) * STEPS_PER_OCTAVE;
    if (Math.abs(steps) < 0.02) return;
    this.push(["scroll", steps, ...middle]);
    pinching.spread = spread;
  }

  endPinch() {
    this.push(["release", "right", ...this.pinching.at]);
    this.pinching = null; // the finger that stays is done, and does not turn the view by itself
  }

  ends() {
    return [...this.pointers.values()].slice(0, 2).map((each) => each.at);
  }

  middle() {
    const [one, other] = this.ends();
    return [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
  }

  spread() {
    const [one, other] = this.ends();
    const { width, height } = this.canvas.getBoundingClientRect();
    return Math.hypot((one[0] - other[0]) * width, (one[1] - other[1]) * height);
  }

  wheel(ev) {
    ev.preventDefault();
    this.push(["scroll", wheelSteps(ev), ...this.place(ev)]);
  }

  key(ev, down) {
    if (isForeign(ev)) return;
    ev.preventDefault();
    this.take(ev, down);
  }

  take(ev, down) {
    const key = keyName(ev);
    this.push(["key", key, ev.code, down, ev.shiftKey, ev.ctrlKey]);
    if (down) this.held.add(`${key}\n${ev.code}`);
    else this.held.delete(`${key}\n${ev.code}`);
  }

  /** Release what is held: its release goes unseen once something else has the focus. */
  letGo() {
    for (const each of this.held) {
      const [key, code] = each.split("\n");
      this.push(["key", key, code, false, false, false]);
    }
    this.held.clear();
  }

  /** Forget all hands: the connection began anew. */
  begin() {
    for (const each of this.pointers.values()) clearTimeout(each.resting);
    clearTimeout(this.tapped?.timer);
    this.pointers.clear();
    this.held.clear();
    this.pinching = this.tapped = null;
  }
}
