// Frames of the picture: decoded in their order, drawn, and answered.

const CODECS = ["vp8", "avc1.42E01F"];

/** The codecs that this browser decodes frame by frame; none where the page is not from a secure address. */
export async function decodable() {
  if (!("VideoDecoder" in window)) return [];
  const asked = CODECS.map(async (codec) => {
    try {
      const { supported } = await VideoDecoder.isConfigSupported({ codec, optimizeForLatency: true });
      return supported ? codec : null;
    } catch {
      return null;
    }
  });
  return (await Promise.all(asked)).filter(Boolean);
}

/**
 * Draws frames on a canvas.
 *
 * shown(number): is called when a frame was drawn, or cannot be. failed(): the decoder of videos gave up.
 */
export class Frames {
  constructor(canvas, shown, failed) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.shown = shown;
    this.failed = failed;
    this.count = 0;
    this.begin();
  }

  /** Forget what is under way: the other side begins anew, too. */
  begin() {
    this.generation = (this.generation ?? 0) + 1;
    this.queue = Promise.resolve();
    this.closeDecoder();
  }

  take(frame, bytes) {
    if (frame.format.startsWith("video/")) this.takeVideo(frame, bytes);
    else this.takePicture(frame, bytes);
  }

  takePicture(frame, bytes) {
    this.closeDecoder();
    const { generation } = this;
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    const decoded = createImageBitmap(new Blob([bytes], { type: frame.format }), options);
    decoded.catch(() => {}); // it is looked at in its turn
    this.queue = this.queue.then(async () => {
      try {
        const picture = await decoded;
        if (generation === this.generation) this.draw(picture, picture.width, picture.height, frame);
        picture.close();
      } catch {
        // A broken picture; the one before stays.
      }
      if (generation === this.generation) this.shown(frame.number);
    });
  }

  takeVideo(frame, bytes) {
    const codec = frame.format.slice("video/".length);
    if (!this.decoder || this.codec !== codec) {
      if (!frame.key) {
        this.shown(frame.number);
        return;
      }
      this.openDecoder(codec);
    }
    try {
      this.under.set(frame.number, frame);
      this.decoder.decode(new EncodedVideoChunk({
        type: frame.key ? "key" : "delta", timestamp: frame.number, data: bytes,
      }));
    } catch {
      this.giveUp();
    }
  }

  openDecoder(codec) {
    this.closeDecoder();
    const { generation } = this;
    this.codec = codec;
    const decoder = new VideoDecoder({
      output: (picture) => {
        const frame = this.under.get(picture.timestamp);
        if (frame && generation === this.generation && decoder === this.decoder) {
          this.draw(picture, frame.width ?? picture.displayWidth, frame.height ?? picture.displayHeight, frame);
          this.under.delete(picture.timestamp);
          this.shown(frame.number);
        }
        picture.close();
      },
      error: () => { if (decoder === this.decoder) this.giveUp(); },
    });
    decoder.configure({ codec, optimizeForLatency: true });
    this.decoder = decoder;
  }

  giveUp() {
    this.closeDecoder();
    this.failed();
  }

  closeDecoder() {
    const { decoder, under } = this;
    this.decoder = null;
    this.under = new Map();
    if (decoder && decoder.state !== "closed") decoder.close();
    for (const number of under?.keys() ?? []) this.shown(number);
  }

  draw(picture, width, height, frame) {
    const { canvas } = this;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    // Videos have even sizes: what is beyond the picture is cut off.
    this.context.drawImage(picture, 0, 0, width, height, 0, 0, width, height);
    this.count += 1;
    canvas.dataset.frame = String(frame.number);
    canvas.dataset.lossless = String(Boolean(frame.lossless));
    canvas.dataset.format = frame.format;
  }
}
