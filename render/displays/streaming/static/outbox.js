// Events of the picture on their way: at most two messages of them at a time, and what is out of date is dropped.

const MOST_UNHEARD = 2; // messages of events that the other side has not taken yet; later events wait, merged
const MOST_WAITING = 500;

export class Outbox {
  constructor(send) {
    this.send = send;
    this.begin();
  }

  /** Forget everything: the other side begins anew. */
  begin() {
    this.waiting = [];
    this.number = 0;
    this.heardNumber = 0;
  }

  push(event) {
    const last = this.waiting.at(-1);
    const again = last && last[0] === event[0];
    if (again && event[0] === "move") {
      this.waiting[this.waiting.length - 1] = event;
    } else if (again && event[0] === "scroll") {
      last[1] += event[1];
      last[2] = event[2];
      last[3] = event[3];
    } else if (this.waiting.length < MOST_WAITING) {
      this.waiting.push(event);
    }
    this.flush();
  }

  heard(number) {
    this.heardNumber = Math.max(this.heardNumber, number);
    this.flush();
  }

  get unheard() {
    return this.number - this.heardNumber;
  }

  /** Ask for a sign of life: a message without events is heard, too. */
  ask() {
    if (!this.unheard) this.flush(true);
  }

  /** Send another message at once, with the events that wait, and learn when it was taken. */
  tell(message) {
    this.send(message);
    this.flush(true);
  }

  flush(anyway = false) {
    if (!anyway && (this.unheard >= MOST_UNHEARD || !this.waiting.length)) return;
    this.number += 1;
    this.send({ type: "events", number: this.number, events: this.waiting.splice(0) });
  }
}
