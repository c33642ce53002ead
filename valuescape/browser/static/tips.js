// Tooltips of the panel's rows: under the pointer after a moment, and at once for the keyboard.

import { say } from "./dom.js";

const RESTS_MS = 600;
const GAP = 6;

export class Tips {
  constructor(place, panel) {
    this.place = place;
    panel.addEventListener("pointerover", (ev) => { if (ev.pointerType === "mouse") this.soon(ev.target.closest(".line")); });
    panel.addEventListener("pointerout", (ev) => { if (!ev.relatedTarget?.closest?.(".line")) this.hide(); });
    panel.addEventListener("pointerdown", () => this.hide());
    panel.addEventListener("scroll", () => this.hide(), true);
    document.addEventListener("keydown", (ev) => { if (ev.key === "Escape") this.hide(); });
  }

  soon(line) {
    if (line === this.line) return;
    this.hide();
    this.line = line;
    if (line) this.timer = setTimeout(() => this.show(line), RESTS_MS);
  }

  show(line) {
    const text = line.closest(".row")?.querySelector(".meaning")?.textContent;
    if (!text) return;
    say(this.place, text);
    this.place.hidden = false;
    const [box, own] = [line.getBoundingClientRect(), this.place.getBoundingClientRect()];
    const below = box.bottom + GAP + own.height < window.innerHeight;
    this.place.style.left = `${Math.max(Math.min(box.left, window.innerWidth - own.width - GAP), GAP)}px`;
    this.place.style.top = `${below ? box.bottom + GAP : box.top - own.height - GAP}px`;
  }

  hide() {
    clearTimeout(this.timer);
    this.line = null;
    this.place.hidden = true;
  }
}
