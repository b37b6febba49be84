// Zooming, moving and turning an image: wheel, double click, drag, pinch, keys; a swipe when it is not zoomed.

import { closest } from "./dom.js";

const MOST = 8;
const SWIPE = 60;
/// A part that is looked at takes this share of the stage, but the image is not drawn larger than so many times what
/// fits, nor than so many times its pixels. The latter holds for a whole image that is fitted into the window, too.
const AROUND = 0.5;
const CLOSEST = 4;
export const ENLARGED = 2;

/// `on.swipe(step)` is told of a swipe to the next (1) or previous (-1) image.
export class Zoom {
  #scale = 1;
  #x = 0;
  #y = 0;
  /// Quarters of a circle, clockwise.
  #turns = 0;
  /** @type {Map<number, { x: number, y: number }>} */
  #pointers = new Map();
  /** @type {{ x: number, y: number, touch: boolean } | null} */
  #start = null;
  /// True if the user has zoomed, and not the page: then arrows and drags move the image.
  #own = false;

  /** @param {HTMLElement} stage @param {{ swipe: (step: 1 | -1) => void }} on */
  constructor(stage, on) {
    this.stage = stage;
    this.on = on;
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("dblclick", (event) => !closest(event, "video") && this.toggle(event.clientX, event.clientY));
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) stage.addEventListener(end, (event) => this.#up(event));
  }

  /// True if the user looks at a part of the image.
  get isOwn() {
    return this.#own && this.#scale > 1;
  }

  get scale() {
    return this.#scale;
  }

  /// The whole image.
  reset() {
    [this.#scale, this.#x, this.#y, this.#own] = [1, 0, 0, false];
    this.#apply();
  }

  /// Turns the view of the image, but not its file, by a quarter.
  turn() {
    this.#turns++;
    this.stage.classList.toggle("turned", this.#isTurned);
    this.reset();
  }

  upright() {
    this.#turns = 0;
    this.stage.classList.remove("turned");
  }

  get #isTurned() {
    return this.#turns % 2 === 1;
  }

  /// Looks at a part of the image, in shares of it, with a good deal of what is around it. Gives false for a part that
  /// is seen well enough as it is.
  /** @type {(part: Page.Spot) => boolean} */
  show({ x, y, width, height }) {
    const frame = this.#frame;
    if (!frame) return false;
    const { clientWidth, clientHeight } = this.stage;
    const [wide, high] = [frame.offsetWidth, frame.offsetHeight];
    const pixels = Number(frame.querySelector("img")?.getAttribute("width") ?? wide);
    const closest = Math.min(CLOSEST, (ENLARGED * pixels) / wide);
    const scale = Math.min((clientWidth * AROUND) / (width * wide), (clientHeight * AROUND) / (height * high), closest);
    if (!(scale > 1.25)) return this.reset(), false;
    this.#scale = scale;
    const [dx, dy] = [(0.5 - x - width / 2) * wide * scale, (0.5 - y - height / 2) * high * scale];
    const [left, top] = this.#rest();
    const [cos, sin] = [[1, 0], [0, 1], [-1, 0], [0, -1]][this.#turns % 4];
    [this.#x, this.#y] = [dx * cos - dy * sin - left, dx * sin + dy * cos - top];
    this.#own = false;
    this.#apply();
    this.stage.classList.add("gliding");
    return true;
  }

  /// Zooms in at a point, or back out.
  toggle(x = innerWidth / 2, y = innerHeight / 2) {
    if (this.#scale > 1) this.reset();
    else this.by(2.5, x, y);
  }

  /// Changes the scale so that the point stays where it is.
  /** @type {(factor: number, x?: number, y?: number) => void} */
  by(factor, x = innerWidth / 2, y = innerHeight / 2) {
    const scale = Math.min(Math.max(this.#scale * factor, 1), MOST);
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    const [restX, restY] = this.#rest();
    const [dx, dy] = [x - left - width / 2 - restX, y - top - height / 2 - restY];
    const change = scale / this.#scale;
    this.#x = dx - (dx - this.#x) * change;
    this.#y = dy - (dy - this.#y) * change;
    this.#scale = scale;
    this.#own = true;
    this.stage.classList.remove("gliding");
    this.#apply();
  }

  /** @type {(dx: number, dy: number) => void} */
  move(dx, dy) {
    this.stage.classList.remove("gliding");
    this.#x += dx;
    this.#y += dy;
    this.#apply();
  }

  get #frame() {
    return /** @type {HTMLElement | null} */ (this.stage.firstElementChild);
  }

  /// Where the middle of the image rests, from the middle of the stage.
  #rest() {
    const frame = this.#frame;
    if (!frame) return [0, 0];
    const { clientWidth, clientHeight } = this.stage;
    return [frame.offsetLeft + frame.offsetWidth / 2 - clientWidth / 2, frame.offsetTop + frame.offsetHeight / 2 - clientHeight / 2];
  }

  #apply() {
    this.stage.classList.toggle("zoomed", this.#scale > 1);
    const frame = this.#frame;
    if (!frame) return;
    // No further than its edges: no part of the stage is empty while the other side is cut off.
    const { clientWidth, clientHeight } = this.stage;
    /** @type {(value: number, side: number, room: number, rest: number) => number} */
    const bound = (value, side, room, rest) => {
      const most = (side * this.#scale - room) / 2;
      return most > 0 ? Math.min(Math.max(value, -most - rest), most - rest) : 0;
    };
    const [left, top] = this.#rest();
    const sides = [frame.offsetWidth, frame.offsetHeight];
    if (this.#isTurned) sides.reverse();
    [this.#x, this.#y] = [bound(this.#x, sides[0], clientWidth, left), bound(this.#y, sides[1], clientHeight, top)];
    frame.style.transform = `translate(${this.#x}px, ${this.#y}px) rotate(${this.#turns * 90}deg) scale(${this.#scale})`;
    frame.style.setProperty("--scale", String(this.#scale)); // what is drawn on it keeps its strength
  }

  /** @type {(event: WheelEvent) => void} */
  #wheel(event) {
    event.preventDefault();
    this.by(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0022)), event.clientX, event.clientY);
  }

  /** @type {(event: PointerEvent) => void} */
  #down(event) {
    if (closest(event, "button, a, video")) return;
    this.stage.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.#pointers.size === 1) this.#start = { x: event.clientX, y: event.clientY, touch: event.pointerType === "touch" };
  }

  /** @type {(event: PointerEvent) => void} */
  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const others = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    if (others.length === 1) {
      /** @type {(point: { x: number, y: number }) => number} */
      const distance = (point) => Math.hypot(point.x - others[0].x, point.y - others[0].y) || 1;
      const now = { x: event.clientX, y: event.clientY };
      // The middle between two fingers moves by half of what either does.
      this.move((now.x - before.x) / 2, (now.y - before.y) / 2);
      this.by(distance(now) / distance(before), (now.x + others[0].x) / 2, (now.y + others[0].y) / 2);
      this.#start = null; // a pinch is no swipe
    } else if (this.#scale > 1 && (this.#own || event.pointerType === "mouse")) {
      this.move(event.clientX - before.x, event.clientY - before.y);
    }
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  /** @type {(event: PointerEvent) => void} */
  #up(event) {
    this.#pointers.delete(event.pointerId);
    const start = this.#start;
    this.#start = null;
    if (event.type !== "pointerup" || !start?.touch || this.isOwn) return;
    const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
    if (Math.abs(dx) > SWIPE && Math.abs(dx) > 1.5 * Math.abs(dy)) this.on.swipe(dx < 0 ? 1 : -1);
  }
}
