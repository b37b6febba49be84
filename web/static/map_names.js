// Names of places as the cities of the map have them. The server names a place by what is nearest to it, which may be a district;
// seen from afar, the city around it says more.

/// How far around a city its name counts: in pixels of the map, as those further away are seen apart from it, and in kilometres.
const REACH = 40;
const FURTHEST = 25;
/// A place that is not among the cities of the map is a part of one that is so near.
const PART = 5;
/// A city is a part of another that comes so many times earlier among them, which are in the order of their size.
const LARGER = 8;
/// Kilometres of a degree of latitude.
const DEGREE = 111.2;

/** @typedef {{ name: string, longitude: number, latitude: number }} City */
/** @typedef {{ city: City, rank: number, distance: number }} Near */

export class CityNames {
  /// Ranks of cities, by the square degree that they lie in.
  /** @type {Map<string, number[]>} */
  #cells = new Map();

  /// `cities` are in the order of their size, the largest first.
  /** @param {City[]} cities */
  constructor(cities) {
    this.cities = cities;
    cities.forEach(({ longitude, latitude }, rank) => {
      const cell = cellOf(longitude, latitude);
      this.#cells.set(cell, [...(this.#cells.get(cell) ?? []), rank]);
    });
  }

  /// A place with the name of the city that it belongs to where so many kilometres are a pixel, or its own.
  /** @type {<T extends { name: string | null, longitude: number, latitude: number }>(place: T, pixel: number) => T} */
  named(place, pixel) {
    const near = this.#near(place, Math.min(REACH * pixel, FURTHEST)).toSorted((a, b) => a.rank - b.rank);
    const own = near.find(({ city }) => city.name === place.name);
    const [largest] = near;
    if (largest && largest.rank * LARGER < (own?.rank ?? this.cities.length)) return { ...place, name: largest.city.name };
    const [nearest] = own ? [] : near.toSorted((a, b) => a.distance - b.distance);
    return nearest && nearest.distance <= PART ? { ...place, name: nearest.city.name } : place;
  }

  /// The city that a place belongs to, as the map names it from afar.
  /** @type {(place: { name: string | null, longitude: number, latitude: number }) => string | null} */
  cityOf(place) {
    return this.named(place, FURTHEST / REACH).name;
  }

  /// The cities within so many kilometres.
  /** @type {(place: { longitude: number, latitude: number }, reach: number) => Near[]} */
  #near({ longitude, latitude }, reach) {
    const wide = Math.max(Math.cos((latitude * Math.PI) / 180), 0.05);
    const [high, broad] = [reach / DEGREE, reach / DEGREE / wide];
    /** @type {Near[]} */
    const near = [];
    for (let north = Math.floor(latitude - high); north <= latitude + high; north += 1) {
      for (let east = Math.floor(longitude - broad); east <= longitude + broad; east += 1) {
        for (const rank of this.#cells.get(cellOf(east, north)) ?? []) {
          const city = this.cities[rank];
          const across = ((((city.longitude - longitude) % 360) + 540) % 360) - 180;
          const distance = Math.hypot(city.latitude - latitude, across * wide) * DEGREE;
          if (distance <= reach) near.push({ city, rank, distance });
        }
      }
    }
    return near;
  }
}

/// Beyond the 180th meridian, the same as on its other side.
/** @type {(longitude: number, latitude: number) => string} */
const cellOf = (longitude, latitude) => `${((((Math.floor(longitude) + 180) % 360) + 360) % 360) - 180} ${Math.floor(latitude)}`;
