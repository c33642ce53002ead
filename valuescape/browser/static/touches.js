// What a person does with the panel, on its way to the program and back.

const SETTLE_MS = 1200; // until the program's value counts again, if it is not told before

/**
 * Sends values of widgets, one of each widget at a time, and remembers which are not answered yet.
 *
 * send(message). answered(name, said): the program did it, or says why not.
 */
export class Touches {
  constructor(send, answered) {
    this.send = send;
    this.answered = answered;
    this.begin();
  }

  /** Forget what is under way: the connection began anew. */
  begin() {
    this.number = 0;
    this.under = new Map(); // name: {number, next}
    this.settling = new Map(); // name: when an answer came
  }

  give(name, value, held = false) {
    const under = this.under.get(name);
    if (under) {
      under.next = { value, held };
      return;
    }
    this.number += 1;
    this.under.set(name, { number: this.number, next: null });
    this.send({ type: "widget", name, value, held, number: this.number });
  }

  take({ name, number, said }) {
    const under = this.under.get(name);
    if (!under || under.number !== number) return;
    this.under.delete(name);
    if (under.next) {
      this.give(name, under.next.value, under.next.held);
      if (!said) return;
    }
    if (!said) this.settling.set(name, Date.now());
    this.answered(name, said);
  }

  /** Whether a widget shows what the hand made of it, and not yet what the program says. */
  isOwn(name) {
    return this.under.has(name) || Date.now() - (this.settling.get(name) ?? -SETTLE_MS) < SETTLE_MS;
  }

  /** The program told a widget anew after it had answered. */
  settled(name) {
    this.settling.delete(name);
  }
}
