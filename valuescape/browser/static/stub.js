// The smallest page of a run: shows pictures, and sends keys and the mouse.

const image = document.getElementById("picture");
const scheme = location.protocol === "https:" ? "wss" : "ws";
const socket = new WebSocket(`${scheme}://${location.host}/messages`);
socket.binaryType = "arraybuffer";
let number = 0;

const send = (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
const happened = (...event) => send({ type: "events", number: ++number, events: [event] });
const place = (ev) => [ev.clientX / innerWidth, ev.clientY / innerHeight];

function tellSize() {
  send({ type: "size", width: innerWidth, height: innerHeight, ratio: devicePixelRatio });
}

/** Return a message and its bytes: the length of the JSON, the JSON, the bytes. */
function unpack(data) {
  if (typeof data === "string") return [JSON.parse(data), null];
  const length = new DataView(data).getUint32(0, true);
  return [JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length))), new Uint8Array(data, 4 + length)];
}

socket.onopen = () => {
  tellSize();
  send({ type: "watching", on: true });
};
socket.onmessage = (ev) => {
  const [message, bytes] = unpack(ev.data);
  if (message.type !== "frame") return;
  const before = image.src;
  image.onload = () => {
    if (before) URL.revokeObjectURL(before);
    send({ type: "shown", frame: message.number });
  };
  image.src = URL.createObjectURL(new Blob([bytes], { type: message.format }));
};
onresize = tellSize;
image.onmousemove = (ev) => happened("move", ...place(ev));
image.onmousedown = (ev) => happened("press", ev.button === 2 ? "right" : "left", ...place(ev), ev.shiftKey);
image.onmouseup = (ev) => happened("release", ev.button === 2 ? "right" : "left", ...place(ev));
image.onwheel = (ev) => happened("scroll", -ev.deltaY / 100, ...place(ev));
image.oncontextmenu = (ev) => ev.preventDefault();
onkeydown = (ev) => happened("key", ev.key, ev.code, true, ev.shiftKey, ev.ctrlKey);
onkeyup = (ev) => happened("key", ev.key, ev.code, false, ev.shiftKey, ev.ctrlKey);
