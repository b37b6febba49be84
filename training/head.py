"""Trains a decoder for any SigLIP checkpoint of fixed resolution, on data in the formats of COCO
and RefCOCO.

    python -m training.head --model siglip2-base-patch16-256 --images train2017 \\
        --instances instances_train2017.json --captions captions_train2017.json --references 'refs(unc).p'

The towers are frozen: their tokens are computed once and kept in the cache. Writes decoder.json and
decoder.safetensors into the model's folder, where `glimpse` finds them. Stopped runs go on where
they were.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from .decoder import Sequence, pack, sequence_loss
from .decoder_model import Decoder, DecoderConfig
from .decoder_vocabulary import Vocabulary
from .head_data import LabelledImage, read_images, texts_of
from .head_features import Features
from .loop import learning_rate
from .settings import CACHE_DIR

SAVE_SECONDS, SAY_SECONDS = 120, 10
LEARNING_RATE = 1e-3


class Words:
    """The checkpoint's tokenizer, without end and padding."""

    def __init__(self, model: Path):
        self.tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text.lower(), add_special_tokens=False).ids

    def texts(self, pieces) -> list[str]:
        return [self.tokenizer.id_to_token(piece) for piece in pieces]


def configure(model: Path, images: list[LabelledImage], words: Words, length: int, width: int) -> DecoderConfig:
    """Half the layers of the text tower, its width and heads; the pieces that the data use."""
    text = json.loads((model / "config.json").read_text(encoding="utf-8")).get("text_config", {})
    texts = texts_of(images)
    pieces = sorted({piece for several in texts.values() for one in set(several) for piece in words.ids(one)})
    hidden = text.get("hidden_size", 768)
    return DecoderConfig(
        vision_size=width,
        hidden_size=hidden,
        intermediate_size=text.get("intermediate_size", 4 * hidden),
        num_attention_heads=text.get("num_attention_heads", 12),
        num_hidden_layers=max(1, text.get("num_hidden_layers", 12) // 2),
        length=length,
        languages=tuple(texts),
        pieces=tuple(pieces),
    )


def sequences(image: LabelledImage, vocabulary: Vocabulary, rng: np.random.Generator) -> list[Sequence]:
    """One of each task, as far as the image has what it needs."""
    found = []
    if image.captions:
        language, text = image.captions[rng.integers(len(image.captions))]
        found.append(Sequence(vocabulary.caption(language, text)))
    if image.regions:
        language, text, box = image.regions[rng.integers(len(image.regions))]
        place = vocabulary.box(box, image.width, image.height)
        found.append(Sequence(vocabulary.region(language, text, place)))
        if len({other for _, words, other in image.regions if words == text}) == 1:  # else which one is meant?
            found.append(Sequence(vocabulary.expression(place), text))
    return [sequence for sequence in found if len(sequence.ids) <= vocabulary.config.length]


def train(options) -> None:
    images = read_images(options.instances, options.captions, options.references, options.lang)
    if not images:
        raise SystemExit("no image has captions or boxes")
    cache = CACHE_DIR / "heads" / options.model.resolve().name
    features = Features(options.model, [options.images / image.file for image in images], cache, options.device)
    features.fill()
    usable = np.flatnonzero(features.done)
    words = Words(options.model)
    config = configure(options.model, images, words, options.length, features.width)
    vocabulary = Vocabulary(config, words.ids)
    torch.manual_seed(options.seed)
    decoder = Decoder(config).to(options.device)
    optimiser = torch.optim.AdamW(decoder.parameters(), LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    step = resume(cache, decoder, optimiser)
    print(f"{len(usable)} images, {len(config.pieces)} pieces, {len(config.languages)} languages", flush=True)
    saved = said = time.monotonic()
    begun, first = said, step
    while step < options.steps:
        rng = np.random.default_rng([options.seed, step])
        places = rng.choice(usable, min(options.batch, len(usable)), replace=False)
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * learning_rate(step / options.steps)
        loss = batch_loss(decoder, vocabulary, features, [(place, images[place]) for place in places], rng)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimiser.step()
        step += 1
        now = time.monotonic()
        if now - said > SAY_SECONDS or step == options.steps:
            left = (now - begun) / (step - first) * (options.steps - step) / 60
            print(f"step {step} of {options.steps}  {left:.0f} min left  loss {loss.item():.3f}", flush=True)
            said = now
        if now - saved > SAVE_SECONDS or step == options.steps:
            save(cache, decoder, optimiser, step)
            saved = now
    write(options.model, decoder, words)


def batch_loss(decoder: Decoder, vocabulary: Vocabulary, features: Features, images: list, rng) -> torch.Tensor:
    """The mean over all tokens that follow a task, of all sequences of the images (places and what
    is known of each).
    """
    tokens, aligned = features.tokens([place for place, _ in images])
    side = math.isqrt(tokens.shape[1])  # checkpoints of fixed resolution have square grids
    seen = decoder.look(tokens, aligned, side, side)
    drawn = [(row, sequence) for row, (_, image) in enumerate(images) for sequence in sequences(image, vocabulary, rng)]
    if not drawn:
        raise SystemExit("every text is longer than --length allows")
    states, targets = [], []
    for asked in (True, False):  # expressions, and all that needs none
        chosen = [(row, sequence) for row, sequence in drawn if bool(sequence.text) == asked]
        if chosen:
            inputs, wanted = (part.to(tokens.device) for part in pack([sequence.ids for _, sequence in chosen]))
            texts = features.texts([sequence.text for _, sequence in chosen]) if asked else None
            known = wanted >= 0
            states.append(decoder.states(inputs, seen[[row for row, _ in chosen]], texts)[known])
            targets.append(wanted[known])
    targets = torch.cat(targets)
    loss, _, _ = sequence_loss(decoder.output(torch.cat(states)), targets, decoder.config.first_coordinate)
    return loss


def resume(cache: Path, decoder: Decoder, optimiser: torch.optim.Optimizer) -> int:
    path = cache / "decoder.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    decoder.load_state_dict(state["decoder"])
    optimiser.load_state_dict(state["optimiser"])
    print(f"going on from step {state['step']}", flush=True)
    return state["step"]


def save(cache: Path, decoder: Decoder, optimiser: torch.optim.Optimizer, step: int) -> None:
    state = {"decoder": decoder.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
    torch.save(state, cache / "decoder.tmp")
    (cache / "decoder.tmp").replace(cache / "decoder.pt")


def write(model: Path, decoder: Decoder, words: Words) -> None:
    """The two files that `glimpse` reads."""
    weights = {key: value.half().contiguous().cpu() for key, value in decoder.state_dict().items()}
    save_file(weights, model / "decoder.safetensors", metadata={"format": "pt"})
    (model / "decoder.safetensors").chmod(0o644)
    text = json.dumps(decoder.config.to_json(words.texts(decoder.config.pieces)), ensure_ascii=False)
    (model / "decoder.json").write_text(text + "\n", encoding="utf-8")
    print(f"wrote decoder.json and decoder.safetensors into {model}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.head", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="checkpoint folder")
    parser.add_argument("--images", type=Path, required=True, help="folder of the images")
    parser.add_argument("--instances", type=Path, help="COCO annotations with boxes; categories may have `names` by language")
    parser.add_argument("--captions", type=Path, help="COCO captions")
    parser.add_argument("--references", type=Path, help="RefCOCO expressions for the boxes of --instances")
    parser.add_argument("--lang", default="en", help="language of texts that name none")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=64, help="images per step")
    parser.add_argument("--length", type=int, default=64, help="most tokens of a sequence")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    if not (options.instances or options.captions):
        parser.error("nothing to learn: give --instances, --captions or both")
    if options.references and not options.instances:
        parser.error("--references needs the boxes of --instances")
    train(options)


if __name__ == "__main__":
    main()
