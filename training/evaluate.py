"""Measures an exported model on held-out galleries, with transformers' own forward pass.

    python -m training evaluate

Everything is read from the model directory, half-precision weights and tokenizer included, so that
the figures are those of the bundled files.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import SiglipModel

from .batches import to_pixels
from .captions import join, load_languages
from .evaluate_decoder import evaluate_decoder
from .gallery import KINDS, SIZE, draw_gallery, seen_concepts
from .languages import SCRIPT_OF
from .measures import auroc, calibration_error, recall
from .model import patch_vectors
from .scenes import Scene
from .settings import GRID, LOG_DIR, PATCH

BATCH = 50


class Encoder:
    """The exported model: texts and scenes to unit vectors."""

    def __init__(self, folder: Path):
        self.model = SiglipModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    @torch.no_grad()
    def texts(self, texts: list[str]) -> np.ndarray:
        """Unit vectors (n, d)."""
        parts = []
        for start in range(0, len(texts), 256):
            encodings = self.tokenizer.encode_batch([text.lower() for text in texts[start : start + 256]])
            ids = torch.tensor([encoding.ids for encoding in encodings])
            parts.append(F.normalize(self.model.text_model(ids).pooler_output, dim=1))
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def scenes(self, scenes: list[Scene]) -> tuple[np.ndarray, np.ndarray]:
        """Unit image vectors (n, d) and unit patch vectors (n, patches, d)."""
        pooled, patches = [], []
        for start in range(0, len(scenes), BATCH):
            pixels = to_pixels(np.stack([scene.image for scene in scenes[start : start + BATCH]]))
            output = self.model.vision_model(pixels)
            pooled.append(F.normalize(output.pooler_output, dim=1))
            patches.append(F.normalize(patch_vectors(self.model, output.last_hidden_state), dim=2))
        return torch.cat(pooled).numpy(), torch.cat(patches).numpy()

    @torch.no_grad()
    def dense(self, scenes: list[Scene]) -> tuple[torch.Tensor, torch.Tensor]:
        """Vision tokens after the last norm and text-aligned vectors, (n, patches, d) each, which
        the decoder attends to.
        """
        starts = range(0, len(scenes), BATCH)
        batches = (np.stack([scene.image for scene in scenes[start : start + BATCH]]) for start in starts)
        tokens = torch.cat([self.model.vision_model(to_pixels(batch)).last_hidden_state for batch in batches])
        return tokens, patch_vectors(self.model, tokens)


def mean(values) -> float:
    return float(np.mean(list(values)))


def by_language(encoder: Encoder, languages: dict, images: np.ndarray, shown: np.ndarray) -> dict:
    """Recall of each language's names over a gallery (n, d) that shows concepts (n, concepts)."""
    figures = {}
    for code, language in languages.items():
        concepts = [c for c in sorted(language.names) if shown[:, c].any()]
        scores = encoder.texts([language.names[c] for c in concepts]) @ images.T  # (queries, n)
        figures[code] = recall(scores, shown[:, concepts].T)
    return figures


def unseen_synonyms(encoder: Encoder, languages: dict, images: np.ndarray, shown: np.ndarray) -> dict:
    """Recall of keywords that no training stage has seen."""
    pairs = [pair for language in languages.values() for pair in language.unseen if shown[:, pair[1]].any()]
    scores = encoder.texts([word for word, _ in pairs]) @ images.T
    return recall(scores, shown[:, [c for _, c in pairs]].T) | {"queries": len(pairs)}


def two_objects(
    encoder: Encoder, languages: dict, images: np.ndarray, shown: np.ndarray, queries: int = 300
) -> dict:
    """Recall of captions that name two objects of a scene, in every language; any scene with both
    counts.
    """
    rng = np.random.default_rng(906)
    figures = {}
    rows = rng.choice(len(shown), min(queries, len(shown)), replace=False)
    wanted = [
        rng.choice(np.flatnonzero(shown[row]), 2, replace=False) for row in rows if shown[row].sum() >= 2
    ]
    relevant = np.stack([shown[:, pair].all(1) for pair in wanted])  # (queries, n)
    for code, language in languages.items():
        texts = [join(language.pattern, [language.names.get(c, "") for c in pair]) for pair in wanted]
        figures[code] = recall(encoder.texts(texts) @ images.T, relevant)
    return figures


def pointing(texts: np.ndarray, scenes: list[Scene], patches: np.ndarray) -> float:
    """Share of visible objects whose best patch (against texts by concept) lies inside their box."""
    hits = []
    for scene, vectors in zip(scenes, patches):
        for thing in scene.things:
            if thing.visible < 0.3:
                continue
            row, column = divmod(int((vectors @ texts[thing.concept]).argmax()), GRID)
            x, y = (column + 0.5) * PATCH, (row + 0.5) * PATCH
            left, top, right, bottom = thing.box
            hits.append(left <= x <= right and top <= y <= bottom)
    return mean(hits)


def absent_auroc(scores: np.ndarray, relevant: np.ndarray) -> float:
    """How well the best score tells galleries with a query's concept from the same without it."""
    return auroc(scores.max(1), np.where(relevant, -np.inf, scores).max(1))


def evaluate(folder: Path, concepts: int, size: int = SIZE) -> dict:
    """All figures of a model directory, also written to training/log/evaluation.json."""
    encoder, languages = Encoder(folder), load_languages(concepts)
    names = languages["en"].names
    english = encoder.texts([names[c] for c in range(concepts)])
    scale, bias = encoder.model.logit_scale.exp().item(), encoder.model.logit_bias.item()
    figures: dict = {"concepts": concepts, "languages": len(languages), "scale": scale, "bias": bias}
    for kind in KINDS:
        scenes = draw_gallery(kind, concepts, size)
        images, patches = encoder.scenes(scenes)
        shown = np.zeros((len(scenes), concepts), bool)
        for row, scene in enumerate(scenes):
            shown[row, list(seen_concepts(scene))] = True
        if kind.several:
            each = two_objects(encoder, languages, images, shown)
            result = {"pointing": pointing(english, scenes, patches)}
        else:
            each = by_language(encoder, languages, images, shown)
            used = np.flatnonzero(shown.any(0))
            scores = english[used] @ images.T
            logits = scores * scale + bias
            result = {
                "absent_auroc": absent_auroc(scores, shown[:, used].T),
                "calibration_error": calibration_error(1 / (1 + np.exp(-logits)), shown[:, used].T),
                "image_top1": mean(shown[row, c] for row, c in enumerate((images @ english.T).argmax(1))),
                "unseen_synonyms": unseen_synonyms(encoder, languages, images, shown),
            }
        worst = min(each, key=lambda code: each[code]["r1"])
        result |= {key: mean(f[key] for f in each.values()) for key in ("r1", "r5")}
        result |= {"english": each["en"], "worst": worst, "worst_figures": each[worst]}
        result["scripts"] = {
            s: mean(f["r1"] for c, f in each.items() if SCRIPT_OF[c] == s)
            for s in dict.fromkeys(SCRIPT_OF.values())
        }
        result["languages"] = each
        figures[kind.name] = result
        short = {key: value for key, value in result.items() if key not in ("languages", "scripts")}
        print(
            kind.name, json.dumps(short, ensure_ascii=False, default=lambda v: round(float(v), 3)), flush=True
        )
    if (folder / "decoder.safetensors").exists():
        figures["decoder"] = evaluate_decoder(folder, concepts, size, encoder)
    if size < SIZE:
        return figures  # a quick look, not worth keeping
    LOG_DIR.mkdir(exist_ok=True)
    (LOG_DIR / "evaluation.json").write_text(
        json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return figures
