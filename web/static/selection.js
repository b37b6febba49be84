// The images that are selected, by their numbers. Nothing but numbers is kept, so that 50,000 of them cost little.

export class Selection {
  /** @type {Set<number>} */
  #ids = new Set();
  #changed;

  /// `changed` is called after every change.
  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  get size() {
    return this.#ids.size;
  }

  /// In the order in which they were selected.
  get ids() {
    return [...this.#ids];
  }

  /** @type {(id: number) => boolean} */
  has(id) {
    return this.#ids.has(id);
  }

  /** @type {(ids: number[]) => void} */
  add(ids) {
    for (const id of ids) this.#ids.add(id);
    this.#changed();
  }

  /** @type {(ids: number[]) => void} */
  remove(ids) {
    for (const id of ids) this.#ids.delete(id);
    this.#changed();
  }

  /// Selects `ids`, or takes them out if all of them are selected. Gives whether they are selected now.
  /** @type {(ids: number[]) => boolean} */
  toggle(ids) {
    const all = ids.every((id) => this.#ids.has(id));
    if (all) this.remove(ids);
    else this.add(ids);
    return !all;
  }

  /// Selects `ids` and nothing else.
  /** @type {(ids: number[]) => void} */
  replace(ids) {
    this.#ids = new Set(ids);
    this.#changed();
  }

  clear() {
    if (this.#ids.size) this.replace([]);
  }
}
