// The connection to the program: it comes back by itself, and says how it is.

const FIRST_MS = 400; // until the first new try; each later one waits twice as long
const LONGEST_MS = 8000;
const ASK_MS = 4000; // of silence, after which the other side is asked for a sign of life
const DEAD_MS = 12000; // of silence, after which a connection counts as lost: it may be gone without a word
const LOOK_MS = 1000;

/**
 * A WebSocket that is opened again when it is lost.
 *
 * `on` has functions: message(content, bytes), state(name, seconds, why): "open", "lost" with the seconds until
 * the next try, and the reason if the other side gave one, "trying", "refused" when the address has no valid token.
 * `ask` is called to get a sign of life.
 */
export class Link {
  constructor(url, on) {
    this.url = url;
    this.on = on;
    this.tries = 0;
    this.clock = setInterval(() => this.look(), LOOK_MS);
    window.addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.now();
    });
    // A page that the browser puts aside is opened anew when it comes back.
    window.addEventListener("pagehide", () => this.socket?.close());
    window.addEventListener("pageshow", (ev) => { if (ev.persisted) this.now(); });
    this.open();
  }

  get ready() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Send a message; what cannot be sent is lost, since the other side is told everything anew. */
  send(message) {
    if (this.ready) this.socket.send(JSON.stringify(message));
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    this.closed = false;
    this.drop();
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heardAt = Date.now();
    this.on.state("trying", 0);
    const own = (handler) => (ev) => { if (this.socket === socket) handler(ev); };
    socket.onopen = own(() => { this.tries = 0; this.heardAt = Date.now(); this.on.state("open", 0); });
    socket.onmessage = own((ev) => this.take(ev.data));
    socket.onclose = own((ev) => this.lost(ev.reason));
  }

  take(data) {
    this.heardAt = Date.now();
    if (typeof data === "string") {
      this.on.message(JSON.parse(data), null);
      return;
    }
    const length = new DataView(data).getUint32(0, true);
    const content = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    this.on.message(content, new Uint8Array(data, 4 + length));
  }

  drop() {
    const socket = this.socket;
    this.socket = null;
    if (socket && socket.readyState <= WebSocket.OPEN) socket.close();
  }

  lost(why = "") {
    this.drop();
    // A page that nobody sees waits until somebody does; `now` is called then.
    const seen = document.visibilityState === "visible";
    // A little chance, so that many pages do not all come back in the same moment.
    const wait = (why ? LONGEST_MS : Math.min(FIRST_MS * 2 ** this.tries, LONGEST_MS)) * (0.8 + 0.4 * Math.random());
    this.tries += 1;
    this.closed = true;
    this.on.state("lost", wait / 1000, why);
    if (!seen) return;
    this.timer = setTimeout(() => this.open(), wait);
    if (this.tries >= 2) this.askWhy();
  }

  /** Find out whether it is the token that is missing: a WebSocket does not say why it was refused. */
  async askWhy() {
    try {
      const answer = await fetch(document.baseURI, { cache: "no-store", credentials: "same-origin" });
      if ((answer.status === 401 || answer.status === 403) && !this.ready) {
        clearTimeout(this.timer);
        this.closed = false; // until the page is opened with the token
        this.on.state("refused", 0);
      }
    } catch {
      // Nobody is there; the next try will tell.
    }
  }

  /** Try at once, if it is lost. */
  now() {
    if (this.closed) {
      this.tries = 0;
      this.open();
    }
  }

  look() {
    if (!this.ready) return;
    const silent = Date.now() - this.heardAt;
    if (silent > DEAD_MS) this.lost();
    else if (silent > ASK_MS) this.on.ask();
  }
}
