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
const toByte = (linear) => {
  const share = Math.min(Math.max(linear, 0), 1);
  return Math.round(255 * (share <= 0.0031308 ? share * 12.92 : 1.055 * share ** (1 / 2.4) - 0.055));
};
/** @type {(x: number) => number} */
const signedSquare = (x) => Math.sign(x) * x * x;

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
  for (let y = 0, at = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, at += 4) {
      const sum = [0, 0, 0];
      for (let i = 0; i < list.length; i++) {
        const wave = ALONG[i % across][x] * DOWN[Math.floor(i / across)][y];
        for (let c = 0; c < 3; c++) sum[c] += list[i][c] * wave;
      }
      image.data.set([toByte(sum[0]), toByte(sum[1]), toByte(sum[2]), 255], at);
    }
  }
  context.putImageData(image, 0, 0);
}
