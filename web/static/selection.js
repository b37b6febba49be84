// The images that are selected, by their numbers. Nothing but numbers is kept, so that 50,000 of them cost little.

export class Selection {
  #ids = new Set();
  #changed;

  /// `changed` is called after every change.
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

  has(id) {
    return this.#ids.has(id);
  }

  add(ids) {
    for (const id of ids) this.#ids.add(id);
    this.#changed();
  }

  remove(ids) {
    for (const id of ids) this.#ids.delete(id);
    this.#changed();
  }

  /// Selects `ids`, or takes them out if all of them are selected. Gives whether they are selected now.
  toggle(ids) {
    const all = ids.every((id) => this.#ids.has(id));
    if (all) this.remove(ids);
    else this.add(ids);
    return !all;
  }

  /// Selects `ids` and nothing else.
  replace(ids) {
    this.#ids = new Set(ids);
    this.#changed();
  }

  clear() {
    if (this.#ids.size) this.replace([]);
  }
}
