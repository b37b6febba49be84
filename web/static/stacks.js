// Near-duplicates lie on the first of them, which knows how many there are.

/// Tiles to show in order. `stack` of a tile is another one that it is a near-duplicate of; the first of a stack that comes leads
/// it. `spread` has the leaders whose stacks are spread out.
/** @type {(tiles: Page.Tile[], spread: Set<number>) => Page.Item[]} */
export function stacked(tiles, spread) {
  /// By the image that the tiles of a stack name.
  /** @type {Map<number, Page.Item>} */
  const leaders = new Map();
  /** @type {Page.Item[]} */
  const items = [];
  for (const tile of tiles) {
    const named = tile.stack ?? tile.id;
    const leader = leaders.get(named);
    if (leader) {
      leader.under.push(tile);
      if (leader.spread) items.push({ tile, under: [], leader: leader.tile.id, spread: false });
    } else {
      const item = { tile, under: [], leader: null, spread: spread.has(tile.id) };
      leaders.set(named, item);
      items.push(item);
    }
  }
  return items;
}
