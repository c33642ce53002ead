// Hands on the picture: pointer, wheel, fingers and keys, as events of the program.

const TAP_MS = 300; // the longest touch that is a tap, and the time between two of them
const TAP_PX = 24; // how far apart they may be
const STEPS_PER_OCTAVE = 5; // notches of the wheel for two fingers that go to twice their distance

/** Whether a key is the browser's: its shortcuts, and those that leave the picture, stay what they are. */
export function isForeign(ev) {
  if (ev.isComposing || ev.metaKey || ev.altKey) return true;
  if (["Tab", "F5", "F6", "F12", "Enter", "PageUp", "PageDown", "Process", "Dead"].includes(ev.key)) return true;
  return ev.ctrlKey && !/^([zy0-9]|Control|Shift)$/i.test(ev.key);
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
    on("blur", () => this.letGo());
    window.addEventListener("blur", () => this.letGo());
  }

  down(ev) {
    this.canvas.focus({ preventScroll: true });
    const button = { 0: "left", 2: "right" }[ev.button];
    if (!button || this.pointers.has(ev.pointerId)) return;
    ev.preventDefault();
    this.canvas.setPointerCapture(ev.pointerId);
    const at = this.place(ev);
    this.pointers.set(ev.pointerId, { at, button, from: [ev.clientX, ev.clientY], since: ev.timeStamp });
    if (this.pointers.size === 1) this.press(button, at, ev.shiftKey);
    else if (this.pointers.size === 2 && ev.pointerType === "touch") this.beginPinch();
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
    const first = this.pointers.keys().next().value;
    if (first === undefined || first === ev.pointerId) this.push(["move", ...this.place(ev)]);
  }

  up(ev) {
    const held = this.pointers.get(ev.pointerId);
    if (!held) return;
    this.pointers.delete(ev.pointerId);
    if (this.pinching) {
      if (this.pointers.size < 2) this.endPinch();
      return;
    }
    if (this.resting) { // the finger that stayed after a pinch
      this.resting = this.pointers.size > 0;
      return;
    }
    if (ev.type === "pointerup") held.at = this.place(ev);
    this.push(["release", held.button, ...held.at]);
    if (ev.pointerType === "touch" && ev.type === "pointerup") this.tap(ev, held);
  }

  /** A second tap at the same place resets the view. */
  tap(ev, held) {
    const still = Math.hypot(ev.clientX - held.from[0], ev.clientY - held.from[1]) < TAP_PX;
    if (!still || ev.timeStamp - held.since > TAP_MS) {
      this.tapped = null;
      return;
    }
    const before = this.tapped;
    this.tapped = { at: [ev.clientX, ev.clientY], when: ev.timeStamp };
    if (!before || ev.timeStamp - before.when > 2 * TAP_MS) return;
    if (Math.hypot(ev.clientX - before.at[0], ev.clientY - before.at[1]) > TAP_PX) return;
    this.tapped = null;
    this.stroke("r", "KeyR");
  }

  /** Press and release a key. */
  stroke(key, code, { shift = false, control = false } = {}) {
    this.push(["key", key, code, true, shift, control]);
    this.push(["key", key, code, false, shift, control]);
  }

  // Two fingers move the view as the right button does, and zoom as the wheel does.

  beginPinch() {
    const [first] = this.pointers.values();
    this.push(["release", first.button, ...first.at]);
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
    this.pinching = null;
    this.resting = this.pointers.size > 0;
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
    this.push(["key", ev.key, ev.code, down, ev.shiftKey, ev.ctrlKey]);
    if (down) this.held.add(`${ev.key}\n${ev.code}`);
    else this.held.delete(`${ev.key}\n${ev.code}`);
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
    this.pointers.clear();
    this.held.clear();
    this.pinching = this.tapped = null;
    this.resting = false;
  }
}
