"""Both towers together: the sigmoid loss over images and captions, with learnt scale and bias.

Labels are corrected: a caption and an image are a positive pair whenever the image shows what the
caption asks for, not only when they were drawn together. The patch loss keeps dense features
grounded in the text vectors themselves, and the anchors keep both towers where they were trained
apart.
"""

import numpy as np
import torch
import torch.nn.functional as F

from .anchors import build_anchors
from .batches import collate, training_painter
from .captions import CaptionSampler
from .curation import Curator
from .decoder import Sequences, tasks_loss
from .decoder_model import Decoder
from .decoder_vocabulary import decoder_config
from .devices import mixed_precision, on_device
from .distil import image_loss, patch_loss
from .export import tower_weights
from .layout import whole_scene
from .loop import Stage
from .losses import sigmoid_loss
from .model import build_model, encode_patches, encode_text, patch_vectors, pool, window_positions
from .optimise import optimisers, trainable
from .scenes import Scene
from .self_distillation import SelfDistillation
from .settings import GRID, IMAGE, SEED, Budget
from .text import anchor_loss, draw_captions
from .tokens import encode

GROUND_SCALE, GROUND_COSINE = 12.0, 0.45  # of the logit by which a patch belongs to a caption
PARALLEL = 0.5  # of the steps predict captions in parallel, where there is a decoder
TEXT_ONLY = 2  # captions drawn at random per image, besides its own


def matches(meanings: torch.Tensor, every: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Whether each caption (t, concepts) describes each image (i, concepts), as (t, i)."""
    shared = meanings @ present.T
    return torch.where(every[:, None], shared == meanings.sum(1, keepdim=True), shared > 0)


def grounding_loss(texts, patches, labels, meanings):
    """Each image's own caption (b, d) against its patches (b, n, d): those of what it names or not."""
    cosines = torch.einsum("bd,bnd->bn", texts, patches)
    named = torch.gather(meanings, 1, labels.clamp(min=0)) * (labels >= 0)  # (b, n)
    losses = F.binary_cross_entropy_with_logits(
        GROUND_SCALE * (cosines - GROUND_COSINE), named, reduction="none"
    )
    weights = (labels != -2) * torch.where(named > 0, 1.0, 0.25)
    return (losses * weights).sum() / weights.sum()


class JointStage(Stage):
    name = "joint"
    log_name = "joint"

    def __init__(
        self,
        rank: int,
        budget: Budget,
        concepts: int,
        compile: bool = True,
        silc: float = 0.0,
        masked: float = 0.0,
        locca: float = 0.0,
        curate: float = 0.0,
        variety: float = 0.0,
        teacher: dict[str, torch.Tensor] | None = None,
        start: dict[str, torch.Tensor] | None = None,
        seed: int = SEED,
        rate: float = 1.0,
    ):
        """`silc`, `masked` and `locca` are weights of losses. `curate` is the share of scenes that
        are drawn and left out, as `teacher` and learner say, `variety` that of drawings that are
        changed as `Painter` says. `start` are weights in place of those
        of the stages before, `rate` a share of the rates that suit these.
        """
        torch.manual_seed(seed)
        self.concepts, self.batch, self.seed = concepts, budget.batch, seed
        self.modules = build_model()
        self.modules.load_state_dict(start or self.weights_before())
        named = list(trainable(self.modules, "text_model.", "vision_model."))
        self.optimisers = optimisers(named, muon_lr=rate * 2e-3, adam_lr=rate * 8e-4)
        slope = [p.requires_grad_() for p in (self.modules.logit_scale, self.modules.logit_bias)]
        self.optimisers.append(torch.optim.Adam(slope, lr=rate * 1e-2))
        self.distillation = SelfDistillation(self.modules, silc, masked, rank, seed) if silc or masked else None
        if self.distillation is not None:
            own = [parameter for _, parameter in self.distillation.trained()]
            self.optimisers.append(torch.optim.AdamW(own, lr=8e-4, betas=(0.9, 0.98), weight_decay=0.01))
        self.locca, self.decoder = locca, Decoder(decoder_config(concepts)) if locca else None
        if self.decoder is not None:
            self.optimisers += optimisers(list(trainable(self.decoder, "")), muon_lr=6e-3, adam_lr=2e-3)
            self.sequences = Sequences(np.random.default_rng([seed, 8, rank]), concepts, self.decoder.config)
        parts = {"distillation": self.distillation, "decoder": self.decoder}
        parts = {name: part for name, part in parts.items() if part is not None}
        self.beside = torch.nn.ModuleDict(parts) if parts else None
        self.curate = curate
        self.curator = Curator(teacher or self.modules.state_dict(), rank, seed) if curate else None
        self.painter = training_painter(
            np.random.SeedSequence([seed, 4, rank]).generate_state(1)[0], concepts
        )
        self.painter.variety = variety
        self.sampler = CaptionSampler(np.random.default_rng([seed, 5, rank]), concepts)
        self.anchors = build_anchors(concepts)
        self.positions = window_positions(0, 0, GRID, GRID)
        self.see = torch.compile(self._see) if compile else self._see
        self.read = torch.compile(encode_text) if compile else encode_text

    def weights_before(self) -> dict[str, torch.Tensor]:
        return tower_weights()

    def _see(self, model, pixels, positions):
        tokens = encode_patches(model, pixels, positions)[-1]
        return pool(model, tokens), patch_vectors(model, tokens), tokens

    def own_captions(self, present: torch.Tensor) -> tuple[list[str], torch.Tensor, torch.Tensor]:
        """One caption per image (b, concepts): one of its objects, or a list of two or more."""
        shown = present.cpu().numpy()
        texts, meanings, every = [], np.zeros_like(shown), np.zeros(len(shown), bool)
        for row, some in enumerate(shown):
            concepts = [int(c) for c in np.flatnonzero(some)]
            self.sampler.rng.shuffle(concepts)
            if not concepts:
                text, meaning = self.sampler.outside()
            elif len(concepts) == 1 or self.sampler.rng.random() < 0.5:
                text, meaning = self.sampler.single(concepts[0])
            else:
                text, meaning = self.sampler.listing(concepts[: 2 if self.sampler.rng.random() < 0.7 else 3])
                every[row] = True
            texts.append(text)
            meanings[row, list(meaning)] = 1
        return texts, on_device(meanings), on_device(every)

    def draw_scenes(self, count: int) -> list[Scene]:
        """New scenes, all of one shape."""
        return [whole_scene(self.painter, IMAGE) for _ in range(count)]

    def draw(self):
        """A batch of scenes and their own captions, the best of more where they are curated."""
        count = round(self.batch / (1 - self.curate))
        batch = collate(self.draw_scenes(count), self.concepts)
        texts, meanings, every = self.own_captions(batch.present)
        if self.curator is None:
            return batch, (texts, meanings, every)
        positive = matches(meanings, every, batch.present)
        rows = self.curator.choose(self.modules, batch.pixels, self.positions, encode(texts), positive, self.batch)
        return batch.rows(rows), ([texts[row] for row in rows], meanings[rows], every[rows])

    def loss(self, progress):
        batch, own = self.draw()
        free = draw_captions(self.sampler, TEXT_ONLY * self.batch)
        meanings, every = torch.cat([own[1], free[1]]), torch.cat([own[2], free[2]])
        with mixed_precision():
            images, vectors, tokens = self.see(self.modules, batch.pixels, self.positions)
            texts = self.read(self.modules, encode(own[0] + free[0]))
        texts, images = F.normalize(texts.float(), dim=1), F.normalize(images.float(), dim=1)
        patches = F.normalize(vectors.float(), dim=2)
        positive = matches(meanings, every, batch.present)
        pairs, logits = sigmoid_loss(
            texts, images, positive, self.modules.logit_scale, self.modules.logit_bias
        )
        ground = grounding_loss(texts[: self.batch], patches, batch.patches, meanings[: self.batch])
        words, word_metrics = anchor_loss(texts, meanings, self.anchors)
        whole, hit = image_loss(images, batch.present, self.anchors)
        local = patch_loss(patches, batch.patches, self.anchors, None)
        best = positive.gather(1, logits.argmax(1, keepdim=True))[positive.any(1)].float().mean().item()
        metrics = {
            "pairs": pairs.item(),
            "ground": ground.item(),
            "image": whole.item(),
            "patch": local.item(),
            "image_top1": hit,
            "batch_retrieval": best,
            "text_cosine": word_metrics["cosine"],
            "scale": self.modules.logit_scale.exp().item(),
            "bias": self.modules.logit_bias.item(),
        }
        total = 0.5 * pairs + ground + 0.5 * words + whole + 0.5 * local
        with mixed_precision():
            if self.distillation is not None:
                more, more_metrics = self.distillation.loss(self.modules, batch.pixels)
                total, metrics = total + more, metrics | more_metrics
            if self.decoder is not None:
                drawn = [(row, said) for row, scene in enumerate(batch.scenes) for said in self.sequences.of(scene)]
                parallel = bool(self.sequences.rng.random() < PARALLEL)
                more, more_metrics = tasks_loss(self.decoder, self.modules, tokens, vectors, drawn, parallel)
                total, metrics = total + self.locca * more, metrics | more_metrics
        return total, metrics

    def after_step(self) -> None:
        if self.distillation is not None:
            self.distillation.follow(self.modules)
