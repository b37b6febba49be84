// Opening an image of the grid, as a step in the browser's history, and closing it again.

import { closest } from "./dom.js";

/// `navigation` keeps which image is open, `grid` has its neighbours, and `viewer` shows it.
export class Opening {
  /** @param {{ navigation: Page.Navigation, grid: Page.Grid, viewer: Pick<Page.Viewer, "close"> & { open: (id: number) => unknown } }} page */
  constructor({ navigation, grid, viewer }) {
    this.navigation = navigation;
    this.grid = grid;
    this.viewer = viewer;
    grid.root.addEventListener("click", (event) => {
      const shot = closest(event, "a.shot");
      if (!shot || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.open(grid.items[Number(shot.dataset.index)].tile.id);
    });
  }

  /** @type {(id: number, how?: { replace?: boolean }) => void} */
  open(id, { replace = false } = {}) {
    const { navigation } = this;
    if (navigation.state.view === null) navigation.rememberPlace();
    const kept = { ...history.state, ...navigation.where(), opened: !replace || history.state?.opened };
    navigation.step({ view: id }, kept, { replace });
    this.grid.loadBeside(id);
    this.viewer.open(id);
  }

  /// Back where the image was opened, or to the page that a link to an image belongs to.
  close() {
    const id = this.navigation.state.view;
    if (history.state?.opened) return history.back();
    this.navigation.step({ view: null }, history.state, { replace: true });
    this.left(id);
  }

  /// Shows what the address says, after it said that `before` is open.
  /** @type {(before: number | null) => void} */
  follow(before) {
    const { view } = this.navigation.state;
    if (view !== null) this.viewer.open(view);
    else if (before !== null) this.left(before);
  }

  /// The image is closed; the focus is where it was opened.
  /** @type {(id: number | null) => void} */
  left(id) {
    this.viewer.close();
    if (this.navigation.state.page) return; // the focus goes back by itself
    const index = this.grid.items.findIndex((item) => item?.tile.id === id);
    if (index >= 0) this.grid.focus(index);
  }
}
