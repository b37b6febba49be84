// Draws a BlurHash: an image's lowest frequencies, as a stand-in while it loads.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
const [WIDTH, HEIGHT] = [24, 18];

/** @type {(text: string) => number} */
const value = (text) => [...text].reduce((sum, digit) => sum * 83 + DIGITS.indexOf(digit), 0);
/** @type {(byte: number) => number} */
const toLinear = (byte) => {
  const share = byte / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};
/** @type {(linear: number) => number} */
const toByte = (linear) => Math.round(255 * (linear <= 0.0031308 ? linear * 12.92 : 1.055 * linear ** (1 / 2.4) - 0.055));
/// Bytes of linear values in steps of which the darkest bytes have several: to compute each anew takes most of the time.
const STEPS = 8192;
const BYTES = Uint8Array.from({ length: STEPS + 1 }, (_, i) => toByte(i / STEPS));
/** @type {(x: number) => number} */
const signedSquare = (x) => Math.sign(x) * x * x;

/// The mean colour of a hash, for a style sheet.
/** @type {(hash: string) => string} */
export const meanOf = (hash) => `#${value(hash.slice(2, 6)).toString(16).padStart(6, "0")}`;

/// Red, green and blue of each frequency, the mean first.
/** @type {(hash: string) => number[][]} */
function factors(hash) {
  const mean = value(hash.slice(2, 6));
  const largest = (value(hash[1]) + 1) / 166;
  const list = [[mean >> 16, (mean >> 8) & 255, mean & 255].map(toLinear)];
  for (let at = 6; at < hash.length; at += 2) {
    const steps = value(hash.slice(at, at + 2));
    list.push([Math.floor(steps / 361), Math.floor(steps / 19) % 19, steps % 19].map((s) => signedSquare((s - 9) / 9) * largest));
  }
  return list;
}

/// Cosines of each frequency at each place along a side.
/** @type {(places: number) => Float32Array[]} */
const waves = (places) => Array.from({ length: 9 }, (_, frequency) => Float32Array.from({ length: places }, (_, at) => Math.cos((Math.PI * at * frequency) / places)));
const [ALONG, DOWN] = [waves(WIDTH), waves(HEIGHT)];

/// Paints `hash` onto a canvas, which the style sheet stretches.
/** @type {(canvas: HTMLCanvasElement, hash: string) => void} */
export function paint(canvas, hash) {
  const across = (value(hash[0]) % 9) + 1;
  const list = factors(hash);
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const context = canvas.getContext("2d", { willReadFrequently: true }); // a small canvas is soonest made in memory
  if (!context) return;
  const image = context.createImageData(WIDTH, HEIGHT);
  const { data } = image;
  const count = list.length;
  const [red, green, blue] = [0, 1, 2].map((c) => Float32Array.from(list, (factor) => factor[c] * STEPS));
  for (let y = 0, at = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, at += 4) {
      let [r, g, b] = [0.5, 0.5, 0.5]; // to the nearest step
      for (let i = 0, column = 0, row = 0; i < count; i++) {
        const wave = ALONG[column][x] * DOWN[row][y];
        r += red[i] * wave;
        g += green[i] * wave;
        b += blue[i] * wave;
        if (++column === across) (column = 0, row++);
      }
      data[at] = BYTES[r < 0 ? 0 : r > STEPS ? STEPS : r | 0];
      data[at + 1] = BYTES[g < 0 ? 0 : g > STEPS ? STEPS : g | 0];
      data[at + 2] = BYTES[b < 0 ? 0 : b > STEPS ? STEPS : b | 0];
      data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}
