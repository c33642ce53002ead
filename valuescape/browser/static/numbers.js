// Numbers of sliders and fields: how they are written, read, and placed between two ends.

/** A number as C's printf writes it: `%d`, `%.2f`, `%.3g`, with text around it. */
export function written(form, value) {
  return form.replace(/%(?:\.(\d+))?([dfg%])/g, (_, digits, kind) => {
    if (kind === "%") return "%";
    if (kind === "d") return String(Math.round(value));
    if (kind === "f") return value.toFixed(Number(digits ?? 6));
    return general(value, Number(digits ?? 6));
  }).replace(/^-/, "−");
}

/** C's %g: so many significant digits, without zeros at the end. */
function general(value, digits) {
  if (!Number.isFinite(value)) return String(value);
  const size = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (size < -4 || size >= Math.max(digits, 6)) {
    return value.toExponential(Math.max(digits - 1, 0)).replace(/\.?0+e/, "e");
  }
  const fixed = value.toFixed(Math.max(digits - 1 - size, 0));
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}

/** A number out of what a person typed: with a unit, a typographic minus or a decimal comma; null for none. */
export function read(text) {
  const grouped = /^\s*[-−+]?[1-9]\d{0,2}(,\d{3})+(?![\d,])/.test(text); // 12,345; but 0,125 has a decimal comma
  const plain = grouped ? text.replaceAll(",", "") : text;
  const found = /^\s*([-−+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[-−+]?\d+)?)/i.exec(plain);
  if (!found) return null;
  const number = Number(found[1].replaceAll("−", "-").replace(",", "."));
  return Number.isFinite(number) ? number : null;
}

const PLACES = 1000; // of a slider that is not over a few whole numbers
const STEEP = 4; // power of a slider over decades that begins at 0

/** Where numbers are on a slider: its ends, its step, and both ways between a place and a number. */
export class Scale {
  constructor({ low, high, logarithmic, whole }) {
    Object.assign(this, { low, high, logarithmic, whole });
    this.plain = whole && !logarithmic && high - low <= PLACES;
    this.min = this.plain ? low : 0;
    this.max = this.plain ? high : PLACES;
  }

  value(place) {
    if (this.plain) return Math.round(place);
    const share = place / PLACES;
    const found = this.at(share);
    return this.whole ? Math.round(found) : neat(found, (this.high - this.low) / PLACES);
  }

  at(share) {
    const { low, high } = this;
    if (!this.logarithmic) return low + share * (high - low);
    if (low > 0) return low * (high / low) ** share;
    if (low === 0) return high * share ** STEEP;
    const middle = 2 * share - 1; // from below 0: the same on both sides
    return middle < 0 ? low * (-middle) ** STEEP : high * middle ** STEEP;
  }

  place(value) {
    if (this.plain) return value;
    const { low, high } = this;
    const within = Math.min(Math.max(value, low), high);
    if (!this.logarithmic) return high > low ? Math.round((PLACES * (within - low)) / (high - low)) : 0;
    if (low > 0) return Math.round((PLACES * Math.log(within / low)) / Math.log(high / low));
    if (low === 0) return Math.round(PLACES * (within / high) ** (1 / STEEP));
    const side = within < 0 ? -((within / low) ** (1 / STEEP)) : (within / high) ** (1 / STEEP);
    return Math.round((PLACES * (side + 1)) / 2);
  }
}

/** A number without digits that a step of the slider does not tell apart. */
function neat(value, step) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step || 1)));
  const small = value !== 0 && Math.abs(value) < step;
  return Number(small ? value.toPrecision(3) : value.toFixed(Math.min(digits, 12)));
}
