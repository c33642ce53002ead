// The picture: its frames on a canvas, its size on the page, and the hands on it.

import { Frames } from "./decoding.js";
import { Hands } from "./input.js";

const SIZE_MS = 120; // a size that changes is told once it rests for so long
const LARGEST_PX = 4096;
const MOST_RATIO = 2; // more pixels than that are not seen, and take long to draw

/** send(message), push(event): to the program. */
export class Picture {
  constructor(canvas, send, push, failed) {
    this.canvas = canvas;
    this.send = send;
    this.frames = new Frames(canvas, (number) => send({ type: "shown", frame: number }), failed);
    this.hands = new Hands(canvas, push, (ev) => this.place(ev));
    this.room = canvas.parentElement;
    new ResizeObserver(() => this.sizeSoon()).observe(this.room);
    this.watchRatio();
    document.addEventListener("visibilitychange", () => this.tellWatching());
  }

  /** The program begins anew with this page: tell it all that it needs to know. */
  begin() {
    this.frames.begin();
    this.hands.begin();
    this.watching = null;
    this.size = "";
    this.tellSize();
    this.tellWatching();
  }

  tellWatching() {
    const on = document.visibilityState === "visible";
    if (on === this.watching) return;
    this.watching = on;
    if (on) this.frames.begin(); // it counts what is under way from here
    this.send({ type: "watching", on });
  }

  /** Learn when the page goes to a screen with other pixels, or is zoomed. */
  watchRatio() {
    const query = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
    query.addEventListener("change", () => { this.sizeSoon(); this.watchRatio(); }, { once: true });
  }

  sizeSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tellSize(), SIZE_MS);
  }

  /** Tell the size in whole device pixels, so that each pixel of the picture is one of the screen. */
  tellSize() {
    const ratio = Math.min(window.devicePixelRatio, MOST_RATIO);
    const whole = (length) => Math.min(Math.floor(length * ratio), LARGEST_PX) / ratio;
    const [width, height] = [whole(this.room.clientWidth), whole(this.room.clientHeight)];
    if (width <= 0 || height <= 0) return;
    const size = `${width} ${height} ${ratio}`;
    if (size === this.size) return;
    this.size = size;
    this.send({ type: "size", width, height, ratio });
  }

  /** Where a pointer is, as shares of the picture, which may leave margins in its place on the page. */
  place(ev) {
    const box = this.canvas.getBoundingClientRect();
    const { width, height } = this.canvas;
    const scale = Math.min(box.width / width, box.height / height);
    const left = box.left + (box.width - width * scale) / 2;
    const top = box.top + (box.height - height * scale) / 2;
    return [(ev.clientX - left) / (width * scale), (ev.clientY - top) / (height * scale)];
  }
}
