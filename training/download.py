"""Fetches the pinned npm packages that hold the art and the names, once, into the working folder."""

import json
import subprocess
import tarfile
from pathlib import Path

from .settings import CACHE_DIR

CLDR_VERSION = "48.2.0"


def package_path(name: str, version: str) -> Path:
    """The package's tarball; downloaded on first use with `npm pack`."""
    folder = CACHE_DIR / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    tarball = folder / f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if not tarball.exists():
        print(f"downloading {name}@{version}", flush=True)
        subprocess.run(
            ["npm", "pack", "--silent", f"{name}@{version}"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return tarball


def read_json_members(name: str, version: str, wanted) -> dict:
    """The parsed JSON files of a package whose path (without `package/`) satisfies `wanted`, by
    path.
    """
    members = {}
    with tarfile.open(package_path(name, version)) as archive:
        for entry in archive:
            path = entry.name.split("/", 1)[-1]
            if entry.isfile() and wanted(path):
                members[path] = json.load(archive.extractfile(entry))
    return members
