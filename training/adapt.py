"""Adapts a SigLIP or SigLIP 2 checkpoint to pairs of image and text: LoRA, bitfit or both, on both
towers and the pooling head, by the sigmoid loss.

    python -m training.adapt --model siglip2-base-patch16-256 --pairs captions.json --out my-model

Vectors are anchored to those of the frozen model (learning without forgetting, arXiv 1606.09282),
of the pairs and of the texts of `--keep`, so that zero-shot search stays. The result is a
checkpoint with the adapters merged, or with --no-merge an adapter in the layout of peft, which
`--adapter` merges later. A run that was stopped goes on.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from .checkpoint import (
    OF_IMAGES,
    OF_SCORES,
    CheckpointError,
    Towers,
    last_layers,
    open_view,
    read_texts,
    write_checkpoint,
)
from .embeddings import image_vectors, model_digest, pairs_digest, text_vectors
from .fit import Plan, add_run_options, fit, state_path
from .lora import LoraSettings, adapt, choose, load_adapter, merged, save_adapter
from .losses import anchor_loss, sigmoid_loss
from .measures import recall
from .pairs import Pair, View, read_pairs, split

READERS = 4  # threads that decode images


class PairSet:
    """Images with the texts that are right for each, and the other way round."""

    def __init__(self, pairs: list[Pair]):
        self.views = list(dict.fromkeys(pair.view for pair in pairs))
        self.texts = list(dict.fromkeys(pair.text for pair in pairs))
        place = {text: number for number, text in enumerate(self.texts)}
        right: dict[View, set[int]] = {view: set() for view in self.views}
        for pair in pairs:
            right[pair.view].add(place[pair.text])
        self.right = [np.array(sorted(right[view])) for view in self.views]  # texts by image

    def positive(self, texts, images) -> np.ndarray:
        """Whether each text is right for each image, (t, i)."""
        return np.stack([np.isin(texts, self.right[image]) for image in images], axis=1)


class Adaptation:
    """The loss of a step, and what is measured on held-out images."""

    def __init__(self, towers: Towers, pairs: list[Pair], keep: list[str], options):
        self.towers, self.options, self.keep = towers, options, keep
        trained, held_out = split(pairs, options.validation)
        if not trained:
            raise SystemExit(f"{options.pairs}: no pair is left to train on; lower --validation")
        self.trained, self.held_out = PairSet(trained), PairSet(held_out)
        digest = model_digest(towers.folder)
        self.frozen_images = image_vectors(towers, self.trained.views, digest)
        self.frozen_texts = text_vectors(towers, self.trained.texts, digest)
        self.frozen_keep = text_vectors(towers, keep, digest) if keep else None
        self.frozen_held_out = image_vectors(towers, self.held_out.views, digest) if held_out else None
        self.pool = ThreadPoolExecutor(READERS)

    def images(self, views: list[View], budget: int | None = None) -> torch.Tensor:
        """Unit vectors (b, d) with gradients; of a NaFlex model from `budget` patches each."""
        size = {"max_num_patches": budget} if budget else {}
        pixels = self.towers.processor(images=list(self.pool.map(open_view, views)), return_tensors="pt", **size)
        with self._cast():
            return self.towers.images(dict(pixels))

    def texts(self, texts: list[str]) -> torch.Tensor:
        with self._cast():
            return self.towers.texts(self.towers.ids(texts))

    def _cast(self):
        return torch.autocast(self.options.device.split(":")[0], torch.bfloat16, enabled=self.options.bf16)

    def loss(self, rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        data, options = self.trained, self.options
        rows = rng.choice(len(data.views), min(options.batch, len(data.views)), replace=False)
        chosen = np.array([rng.choice(data.right[row]) for row in rows])
        keep = rng.choice(len(self.keep), min(options.batch, len(self.keep)), replace=False) if self.keep else []
        texts = self.texts([data.texts[row] for row in chosen] + [self.keep[row] for row in keep])
        budget = int(rng.choice(options.patches)) if options.patches else None
        images = self.images([data.views[row] for row in rows], budget)
        device, model = images.device, self.towers.model
        positive = torch.from_numpy(data.positive(chosen, rows)).to(device)
        pairs, _ = sigmoid_loss(texts[: len(rows)], images, positive, model.logit_scale, model.logit_bias)
        frozen = torch.cat([self.frozen_texts[chosen], self.frozen_images[rows]]).to(device)
        anchor = anchor_loss(torch.cat([texts[: len(rows)], images]), frozen)
        total, metrics = pairs + options.anchor * anchor, {"pairs": pairs.item(), "anchor": anchor.item()}
        if len(keep):
            kept = anchor_loss(texts[len(rows) :], self.frozen_keep[torch.from_numpy(keep)].to(device))
            total, metrics = total + options.keep_weight * kept, metrics | {"keep": kept.item()}
        return total, metrics

    @torch.no_grad()
    def check(self) -> dict[str, float]:
        """R@1 and R@5 both ways over held-out images, and mean cosines to the frozen vectors."""
        figures, data, batch = {}, self.held_out, self.options.batch
        if data.views:
            texts = _in_batches(self.texts, data.texts, batch)
            right = data.positive(np.arange(len(data.texts)), range(len(data.views)))
            for budget in self.options.patches or []:
                images = _in_batches(lambda views: self.images(views, budget), data.views, batch)
                figures[f"text_r1_of_{budget}"] = recall((texts @ images.T).numpy(), right)["r1"]
            images = _in_batches(self.images, data.views, batch)
            scores = (texts @ images.T).numpy()
            figures |= {f"text_{key}": value for key, value in recall(scores, right).items()}
            figures |= {f"image_{key}": value for key, value in recall(scores.T, right.T).items()}
            figures["image_cosine"] = (images * self.frozen_held_out).sum(1).mean().item()
        if self.keep:
            some = np.random.default_rng(0).permutation(len(self.keep))[:512]
            vectors = _in_batches(self.texts, [self.keep[row] for row in some], batch)
            figures["keep_cosine"] = (vectors * self.frozen_keep[some]).sum(1).mean().item()
        return figures


def _in_batches(encode, items: list, size: int) -> torch.Tensor:
    return torch.cat([encode(items[start : start + size]).float().cpu() for start in range(0, len(items), size)])


def lora_settings(towers: Towers, options) -> LoraSettings:
    """What the options ask for."""
    if not options.rank and not options.bitfit:
        raise SystemExit("nothing is trained: give --rank, --bitfit or both")
    if not options.rank and not options.merge:
        raise SystemExit("peft knows no adapter of biases alone: give --rank, or leave --no-merge out")
    targets = tuple(options.targets.split(","))
    modules = choose(towers.model, targets, options.layers, options.towers, options.head) if options.rank else ()
    if options.rank and not modules:
        raise SystemExit(f"--targets {options.targets}: no layer of the towers is called so")
    return LoraSettings(max(options.rank, 1), options.alpha or 2 * options.rank, modules, options.bitfit)


def write(towers: Towers, trained: dict, settings: LoraSettings, options) -> None:
    """The merged checkpoint, or the adapter alone."""
    if not options.merge:
        save_adapter(options.out, trained, settings, towers.model, str(options.model))
        print(f"wrote {options.out}: an adapter; `--adapter {options.out}` merges it", flush=True)
        return
    changed = merged(towers.model, settings)
    images = any(name.startswith("vision_model.") for name in changed)
    write_checkpoint(options.model, options.out, changed, OF_SCORES + (OF_IMAGES if images else ()))
    print(f"wrote {options.out}: a checkpoint with {len(changed)} changed tensors", flush=True)


def train(options) -> list[tuple[int, dict[str, float]]]:
    """The whole run; returns what was measured, as (step, figures)."""
    if options.out.exists() and any(options.out.iterdir()):
        raise CheckpointError(f"{options.out}: is not empty; name a new folder")
    if options.adapter:
        if not options.merge:
            raise SystemExit(f"{options.adapter}: is an adapter already; leave --no-merge out to merge it into the model")
        towers = Towers(options.model)
        write(towers, {}, load_adapter(options.adapter, towers.model), options)
        return []
    pairs, keep = read_pairs(options.pairs, options.images), read_texts(options.keep) if options.keep else []
    towers = Towers(options.model, options.device)
    if options.patches and not hasattr(towers.processor, "max_num_patches"):
        raise SystemExit(f"{options.model}: images are squashed to a square, so there is no --patches to draw from")
    adaptation = Adaptation(towers, pairs, keep, options)  # before the adapters: its vectors are the frozen ones
    settings = lora_settings(towers, options)
    trained = adapt(towers.model, settings, options.seed)
    count = sum(parameter.numel() for parameter in trained.values())
    data = adaptation.trained
    print(f"{len(data.views)} images, {len(data.texts)} texts, {count} parameters", flush=True)
    given = {key: str(value) for key, value in vars(options).items() if key not in NOT_OF_THE_RUN}
    given |= {"model": model_digest(options.model), "data": pairs_digest(pairs, keep)}
    state = options.state or state_path("adapt", options.out)
    plan = Plan(options.steps, options.lr, options.seed, state, given, options.check_every)
    figures = fit("adapt", trained, adaptation.loss, plan, adaptation.check)
    write(towers, trained, settings, options)
    return figures


NOT_OF_THE_RUN = ("steps", "lr", "seed", "out", "state", "device", "merge", "check_every", "adapter")


def budgets(text: str) -> list[int]:
    """The value of `--patches`."""
    parts = text.split(",")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"`{text}` is no list of numbers from 1 such as 64,144,256")
    return [int(part) for part in parts]


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.adapt", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="checkpoint folder")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--pairs", type=Path, help="COCO or Karpathy JSON, JSON lines, or a folder of images and .txt")
    what.add_argument("--adapter", type=Path, help="train nothing: merge this adapter")
    parser.add_argument("--images", type=Path, help="folder of the images [default: beside the pairs]")
    parser.add_argument("--keep", type=Path, help="texts whose vectors are to stay, one a line")
    parser.add_argument("--out", type=Path, required=True, help="new folder for checkpoint or adapter")
    parser.add_argument("--merge", action=argparse.BooleanOptionalAction, default=True, help="write a checkpoint, not an adapter")
    parser.add_argument("--rank", type=int, default=8, help="of LoRA; 0 for none")
    parser.add_argument("--alpha", type=float, help="LoRA's scale is alpha / rank [default: twice the rank]")
    parser.add_argument("--targets", default="q_proj,v_proj", help="of k_proj, v_proj, q_proj, out_proj, fc1, fc2")
    parser.add_argument("--layers", type=last_layers, help="last so many blocks of each tower, or `all` [default]")
    parser.add_argument("--towers", choices=["both", "text", "vision"], default="both")
    parser.add_argument("--head", action=argparse.BooleanOptionalAction, default=True, help="LoRA in the pooling head")
    parser.add_argument("--bitfit", action="store_true", help="train the biases too")
    parser.add_argument("--patches", type=budgets, help="NaFlex: numbers of patches, one drawn at each step, such as 64,144,256")
    parser.add_argument("--anchor", type=float, default=1.0, help="weight of staying near the frozen vectors")
    parser.add_argument("--keep-weight", type=float, default=5.0)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=32, help="images per step, each with one text")
    parser.add_argument("--lr", type=float, default=5e-4)
    add_run_options(parser, check_every=100)
    return parser


if __name__ == "__main__":
    train(parser().parse_args())
