// Pictures for the clipboard and for files: asked for, and taken when they come.

const WAIT_MS = 20000;

/** send(message); say(text): to the person. */
export class Shots {
  constructor(send, say) {
    this.send = send;
    this.say = say;
    this.waiting = [];
  }

  begin() {
    for (const each of this.waiting.splice(0)) each.refuse(new Error("the connection was lost"));
  }

  /** A promise of the picture without loss: a file with its name. */
  ask() {
    return new Promise((resolve, refuse) => {
      const waits = { resolve, refuse };
      this.waiting.push(waits);
      this.send({ type: "picture" });
      setTimeout(() => {
        this.waiting = this.waiting.filter((each) => each !== waits);
        refuse(new Error("no picture came"));
      }, WAIT_MS);
    });
  }

  take({ name }, bytes) {
    const file = new File([bytes], name, { type: "image/png" });
    for (const each of this.waiting.splice(0)) each.resolve(file);
  }

  /** Copy the picture; where the browser does not let a page do that, save it as a file. */
  async copy() {
    const asked = this.ask();
    try {
      if (!navigator.clipboard?.write) throw new Error("no clipboard");
      // The promise is given at once: later the browser would no longer take it for the person's wish.
      await navigator.clipboard.write([new ClipboardItem({ "image/png": asked })]);
      this.say("The picture is on the clipboard");
    } catch {
      await this.keep(asked);
    }
  }

  async save() {
    await this.keep(this.ask());
  }

  async keep(asked) {
    try {
      const file = await asked;
      const url = URL.createObjectURL(file);
      const link = document.createElement("a");
      link.href = url;
      link.download = file.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
      this.say(`Saved as ${file.name}`);
    } catch (error) {
      this.say(`No picture: ${error.message}`);
    }
  }
}
