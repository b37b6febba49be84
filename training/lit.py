"""SigLiT: trains the text tower from pairs while the image tower is locked (LiT, arXiv 2111.07991,
with SigLIP's loss), for a language or a vocabulary that the model lacks.

    python -m training.lit --model models/demo --pairs pairs.jsonl --keep keep.txt --out new-model

The image tower is not touched: its tensors are copied byte for byte and the vectors of images stay
as they are. The images are encoded once. Texts of `--keep`, one a line, hold the languages that the
model knows where they are: their vectors are pulled to those of the frozen tower. A run that was
stopped goes on.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from .checkpoint import OF_SCORES, CheckpointError, Towers, last_layers, read_texts, write_checkpoint
from .embeddings import image_vectors, model_digest, pairs_digest, text_vectors
from .fit import Plan, add_run_options, fit, state_path
from .losses import anchor_loss, sigmoid_loss
from .measures import recall
from .pairs import Pair, View, read_pairs, split
from .vocabulary import grown, learn_pieces, with_pieces

TABLE = "text_model.embeddings.token_embedding.weight"
KEPT_IN_VALIDATION = 512  # texts of --keep whose drift is told


class Captions:
    """The texts of pairs, each once, and the images that each is right for."""

    def __init__(self, pairs: list[Pair], views: dict[View, int]):
        right: dict[str, set[int]] = {}
        sources: dict[str, str] = {}
        for pair in pairs:
            right.setdefault(pair.text, set()).add(views[pair.view])
            sources.setdefault(pair.text, pair.source)
        self.texts = list(right)
        self.images = [np.array(sorted(places)) for places in right.values()]
        self.sources = [sources[text] for text in self.texts]

    def positive(self, rows, images: np.ndarray) -> torch.Tensor:
        """Whether each text (rows) is right for each image, (t, i)."""
        return torch.from_numpy(np.stack([np.isin(images, self.images[row]) for row in rows]))


class LockedImageTuning:
    """The loss of a step, and what is measured on held-out images."""

    def __init__(self, towers: Towers, pairs: list[Pair], keep: list[str], options):
        self.towers, self.options = towers, options
        trained, held_out = split(pairs, options.validation)
        self.views = {view: place for place, view in enumerate(dict.fromkeys(pair.view for pair in pairs))}
        digest = model_digest(towers.folder)
        self.images = image_vectors(towers, list(self.views), digest)  # (n, d)
        self.captions, self.held_out = Captions(trained, self.views), Captions(held_out, self.views)
        self.pool = np.array(sorted({self.views[pair.view] for pair in trained}))
        if not self.captions.texts:
            raise SystemExit(f"{options.pairs}: no pair is left to train on; lower --validation")
        self.keep, self.kept = keep, text_vectors(towers, keep, digest) if keep else None
        sources = self.captions.sources
        if options.source_weight:
            if not all(sources):
                raise SystemExit(f'{options.pairs}: --source-weight needs "source" in every line')
            self.sources = text_vectors(towers, sources, digest)

    def encode(self, texts: list[str]) -> torch.Tensor:
        with torch.autocast(self.options.device.split(":")[0], torch.bfloat16, enabled=self.options.bf16):
            return self.towers.texts(self.towers.ids(texts))

    def loss(self, rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        count = min(self.options.batch, len(self.captions.texts))
        rows = rng.choice(len(self.captions.texts), count, replace=False)
        own = [rng.choice(self.captions.images[row]) for row in rows]
        others = rng.choice(self.pool, min(self.options.images_per_step, len(self.pool)), replace=False)
        places = np.unique(np.concatenate([own, others]))
        keep = rng.choice(len(self.keep), min(self.options.batch, len(self.keep)), replace=False) if self.keep else []
        vectors = self.encode([self.captions.texts[row] for row in rows] + [self.keep[row] for row in keep])
        device = vectors.device
        model = self.towers.model
        images = self.images[torch.from_numpy(places)].to(device)
        positive = self.captions.positive(rows, places).to(device)
        # Per text: the roles are exchanged, since each text has a batch of images for itself.
        pairs, _ = sigmoid_loss(images, vectors[:count], positive.T, model.logit_scale, model.logit_bias)
        total, metrics = pairs, {"pairs": pairs.item()}
        if len(keep):
            kept = anchor_loss(vectors[count:], self.kept[torch.from_numpy(keep)].to(device))
            total = total + self.options.keep_weight * kept
            metrics["keep"] = kept.item()
        if self.options.source_weight:
            source = anchor_loss(vectors[:count], self.sources[torch.from_numpy(rows)].to(device))
            total = total + self.options.source_weight * source
            metrics["source"] = source.item()
        return total, metrics

    @torch.no_grad()
    def check(self) -> dict[str, float]:
        """R@1 and R@5 of texts over held-out images, and the least cosine to where kept texts were."""
        figures = {}
        if self.held_out.texts:
            places = np.unique(np.concatenate(self.held_out.images))
            texts = self._in_batches(self.held_out.texts)
            scores = texts @ self.images[torch.from_numpy(places)].T
            relevant = self.held_out.positive(range(len(texts)), places).numpy()
            figures |= {f"text_{key}": value for key, value in recall(scores.numpy(), relevant).items()}
        if self.keep:
            some = np.random.default_rng(0).permutation(len(self.keep))[:KEPT_IN_VALIDATION]
            cosines = (self._in_batches([self.keep[row] for row in some]) * self.kept[torch.from_numpy(some)]).sum(1)
            figures |= {"keep_mean": cosines.mean().item(), "keep_least": cosines.min().item()}
        return figures

    def _in_batches(self, texts: list[str]) -> torch.Tensor:
        starts = range(0, len(texts), self.options.batch)
        return torch.cat([self.encode(texts[start : start + self.options.batch]).float().cpu() for start in starts])


def trainable(text_model: nn.Module, layers: int | None, rows: torch.Tensor | None) -> dict[str, nn.Parameter]:
    """Parameters of the text tower to train, by name: the last `layers` blocks with the final norm
    and the head (`None`: every parameter but the token table), and of the token table the rows that
    `rows` (v) marks (`None`: all).
    """
    blocks = len(text_model.encoder.layers)
    first = 0 if layers is None else blocks - layers
    last = tuple(f"encoder.layers.{i}." for i in range(first, blocks)) + (("final_layer_norm.", "head.") if layers != 0 else ())
    chosen = {}
    for name, parameter in text_model.named_parameters():
        if name == "embeddings.token_embedding.weight":
            if rows is None or rows.any():
                chosen[name] = parameter
        elif layers is None or name.startswith(last):
            chosen[name] = parameter
    for parameter in chosen.values():
        parameter.requires_grad_()
    if rows is not None and rows.any():
        text_model.embeddings.token_embedding.weight.register_hook(lambda gradient: gradient * rows[:, None])
    return {f"text_model.{name}": parameter for name, parameter in chosen.items()}


def add_pieces(towers: Towers, texts: list[str], options) -> int:
    """Adds pieces to tokenizer and table; returns how many."""
    path = options.model / "tokenizer.json"
    if not options.pieces:
        return 0
    if not path.exists():
        raise CheckpointError(f"{path}: is not there, so that no pieces can be added: leave --pieces out")
    tokenizer = Tokenizer.from_file(str(path))
    pieces = learn_pieces(tokenizer, texts, options.pieces)
    if not pieces:
        print("every character is in a piece already: none is added", flush=True)
        return 0
    towers.read_tokenizer(with_pieces(tokenizer, pieces))
    embedding = towers.model.text_model.embeddings.token_embedding
    embedding.weight = nn.Parameter(grown(embedding.weight.detach(), len(pieces), options.seed), requires_grad=False)
    embedding.num_embeddings += len(pieces)
    return len(pieces)


def rows_to_train(which: str, towers: Towers, texts: list[str], added: int) -> torch.Tensor | None:
    """Marks of the rows of the token table: `all` is None."""
    size = towers.model.text_model.embeddings.token_embedding.weight.shape[0]
    marks = torch.zeros(size, dtype=torch.bool, device=towers.device)
    if which == "all":
        return None
    if which == "new":
        marks[size - added :] = True
    if which == "used":
        marks[towers.ids(texts).unique()] = True
    return marks


def write(towers: Towers, trained: dict[str, nn.Parameter], added: int, options) -> None:
    """The new checkpoint; with new pieces also its tokenizer and the size of its vocabulary."""
    changed = dict(trained)
    if added:
        changed[TABLE] = towers.model.text_model.embeddings.token_embedding.weight
    write_checkpoint(options.model, options.out, changed, leave_out=OF_SCORES)
    if added:
        (options.out / "tokenizer.json").write_text(towers.tokenizer_json, encoding="utf-8")
        path = options.out / "config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        config["text_config"]["vocab_size"] = changed[TABLE].shape[0]
        path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {options.out}: the image tower of {options.model}, a new text tower", flush=True)


def train(options) -> list[tuple[int, dict[str, float]]]:
    """The whole run; returns what was measured, as (step, figures)."""
    if options.out.exists() and any(options.out.iterdir()):
        raise CheckpointError(f"{options.out}: is not empty; name a new folder for the checkpoint")
    pairs = read_pairs(options.pairs, options.images)
    keep = read_texts(options.keep) if options.keep else []
    towers = Towers(options.model, options.device)
    # Before pieces are added, since kept texts are read as the frozen model reads them.
    tuning = LockedImageTuning(towers, pairs, keep, options)
    added = add_pieces(towers, tuning.captions.texts, options)
    rows = rows_to_train(options.rows, towers, tuning.captions.texts, added)
    trained = trainable(towers.model.text_model, options.layers, rows)
    if not trained:
        raise SystemExit("nothing is trained: --layers 0 needs --rows used, all, or new with --pieces")
    count = sum(parameter.numel() for parameter in trained.values())
    if rows is not None and rows.any():
        count -= int((~rows).sum()) * towers.model.text_model.embeddings.token_embedding.weight.shape[1]
    print(f"{len(tuning.captions.texts)} texts, {len(tuning.pool)} images, {added} new pieces, {count} parameters", flush=True)
    settings = {
        key: str(value)
        for key, value in vars(options).items()
        if key not in ("steps", "lr", "seed", "out", "state", "device", "check_every")
    }
    settings |= {"model": model_digest(options.model), "data": pairs_digest(pairs, keep)}
    state = options.state or state_path("lit", options.out)
    plan = Plan(options.steps, options.lr, options.seed, state, settings, options.check_every)
    figures = fit("lit", trained, tuning.loss, plan, tuning.check)
    write(towers, trained, added, options)
    return figures


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.lit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="checkpoint folder")
    parser.add_argument("--pairs", type=Path, required=True, help="COCO or Karpathy JSON, JSON lines, or a folder")
    parser.add_argument("--images", type=Path, help="folder of the images [default: beside the pairs]")
    parser.add_argument("--keep", type=Path, help="texts whose vectors are to stay, one a line")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the checkpoint")
    parser.add_argument("--layers", type=last_layers, help="last so many blocks to train, or `all` [default]")
    parser.add_argument("--rows", choices=["all", "used", "new"], default="all", help="rows of the token table to train")
    parser.add_argument("--pieces", type=int, default=0, help="at most so many new pieces for characters the tokenizer lacks")
    parser.add_argument("--keep-weight", type=float, default=10.0)
    parser.add_argument("--source-weight", type=float, default=0.0, help="pull to the frozen vector of each text's `source`")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=128, help="new texts per step, and as many kept ones")
    parser.add_argument("--images-per-step", type=int, default=512, help="images that each text is compared with")
    parser.add_argument("--lr", type=float, default=1e-3)
    add_run_options(parser, check_every=200)
    return parser


if __name__ == "__main__":
    train(parser().parse_args())
