"""The concept list: which emoji make up the closed domain."""

from functools import cache
from pathlib import Path

VARIATION_SELECTOR = "\ufe0f"


@cache
def load_concepts(limit: int | None = None) -> tuple[str, ...]:
    """The first `limit` concepts as emoji without variation selectors, in the order of
    concepts.txt.
    """
    text = (Path(__file__).parent / "concepts.txt").read_text(encoding="utf-8")
    words = [word for line in text.splitlines() for word in line.split("#")[0].split()]
    concepts = [word.replace(VARIATION_SELECTOR, "") for word in words]
    duplicates = {c for c in concepts if concepts.count(c) > 1}
    if duplicates:
        raise ValueError(f"concepts.txt names these twice: {' '.join(sorted(duplicates))}")
    return tuple(concepts[:limit])
