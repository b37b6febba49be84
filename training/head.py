"""Trains a decoder for any SigLIP checkpoint of fixed resolution, on data in the formats of COCO
and RefCOCO.

    python -m training.head --model siglip2-base-patch16-256 --images train2017 \\
        --instances instances_train2017.json --captions captions_train2017.json --references 'refs(unc).p'

The towers are frozen: their tokens are computed once and kept in the cache, under a digest of model
and images. Some images are held out, by which the loss, the words that are guessed right and
Acc@0.5 of boxes are told. Writes decoder.json and decoder.safetensors into the model's folder, where
`glimpse` finds them. Stopped runs go on where they were.
"""

import argparse
import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from .decode import boxes
from .decoder import Sequence, pack, sequence_loss
from .decoder_model import Decoder, DecoderConfig
from .decoder_vocabulary import Vocabulary
from .fit import Plan, fit
from .head_data import LabelledImage, read_images, texts_of
from .head_features import Features
from .measures import overlap
from .settings import CACHE_DIR

LEARNING_RATE = 1e-3
MEASURED_AT_ONCE, MEASURED_BOXES = 16, 4  # held-out images of a batch, and expressions of each


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
        if (language, text, box) in alone(image):  # else which one is meant?
            found.append(Sequence(vocabulary.expression(place), text))
    return [sequence for sequence in found if len(sequence.ids) <= vocabulary.config.length]


def train(options) -> list[tuple[int, dict[str, float]]]:
    """The whole run; returns what was measured on held-out images, as (step, figures)."""
    images = read_images(options.instances, options.captions, options.references, options.lang)
    if not images:
        raise SystemExit(f"{options.instances or options.captions}: no image has captions or boxes")
    files = [options.images / image.file for image in images]
    features = Features(options.model, files, CACHE_DIR / "heads", options.device)
    features.fill()
    usable = np.flatnonzero(features.done)
    if not len(usable):
        raise SystemExit(f"{options.images}: none of the images, such as {images[0].file}, could be read")
    trained = np.array([place for place in usable if not held_out(images[place], options.validation)])
    measured = np.array([place for place in usable if held_out(images[place], options.validation)], int)
    if not len(trained):
        raise SystemExit("no image is left to train on; lower --validation")
    words = Words(options.model)
    config = configure(options.model, images, words, options.length, features.width)
    vocabulary = Vocabulary(config, words.ids)
    torch.manual_seed(options.seed)
    decoder = Decoder(config).to(options.device)
    print(f"{len(trained)} images to train on, {len(measured)} to measure on, {len(config.pieces)} pieces", flush=True)

    def loss(rng: np.random.Generator):
        places = rng.choice(trained, min(options.batch, len(trained)), replace=False)
        return batch_loss(decoder, vocabulary, features, [(place, images[place]) for place in places], rng)

    def check() -> dict[str, float]:
        some = measured[: options.measured]
        return validate(decoder, vocabulary, features, [(place, images[place]) for place in some]) if len(some) else {}

    labels = hashlib.sha256(repr((images, config)).encode()).hexdigest()[:16]
    settings = {"labels": labels, "batch": options.batch, "validation": options.validation}
    plan = Plan(
        options.steps, LEARNING_RATE, options.seed, features.folder / "decoder.pt", settings, options.check_every, 0.01
    )
    figures = fit("head", dict(decoder.named_parameters()), loss, plan, check)
    write(options.model, decoder, words)
    return figures


def held_out(image: LabelledImage, share: float) -> bool:
    """Whether an image is measured on, by its name, so that every run says the same."""
    return zlib.crc32(image.file.encode()) % 10_000 < 10_000 * share


@torch.no_grad()
def validate(decoder: Decoder, vocabulary: Vocabulary, features: Features, images: list) -> dict[str, float]:
    """The loss on images (places and what is known of each), the share of words that are guessed
    right one by one, and of expressions whose box overlaps the right one by half (Acc@0.5).
    """
    rng, losses, hits, right = np.random.default_rng(0), [], [], []
    for start in range(0, len(images), MEASURED_AT_ONCE):
        some = images[start : start + MEASURED_AT_ONCE]
        losses.append(batch_loss(decoder, vocabulary, features, some, rng, right)[0].item())
        asked = [
            (row, text, box) for row, (_, image) in enumerate(some) for _, text, box in alone(image)[:MEASURED_BOXES]
        ]
        if asked:
            seen = decoder.look(*features.tokens([place for place, _ in some]), features.side, features.side)
            found = boxes(decoder, seen[[row for row, _, _ in asked]], features.texts([text for _, text, _ in asked]))
            for shares, (row, _, box) in zip(found.tolist(), asked, strict=True):
                size = (some[row][1].width, some[row][1].height) * 2
                hits.append(overlap([share * side for share, side in zip(shares, size, strict=True)], box) >= 0.5)
    figures = {"loss": float(np.mean(losses)), "words": float(np.mean(right))} if right else {"loss": float(np.mean(losses))}
    return figures | ({"acc_at_05": float(np.mean(hits))} if hits else {})


def alone(image: LabelledImage) -> list[tuple[str, str, tuple]]:
    """The regions whose words are those of no other box of the image."""
    return [
        region for region in image.regions if len({other for _, text, other in image.regions if text == region[1]}) == 1
    ]


def batch_loss(
    decoder: Decoder, vocabulary: Vocabulary, features: Features, images: list, rng, right: list[bool] | None = None
) -> tuple[torch.Tensor, dict[str, float]]:
    """The mean over all tokens that follow a task, of all sequences of the images (places and what
    is known of each). Whether each word was guessed right is added to `right`.
    """
    tokens, aligned = features.tokens([place for place, _ in images])
    seen = decoder.look(tokens, aligned, features.side, features.side)
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
    scores = decoder.output(torch.cat(states))
    loss, words, places = sequence_loss(scores, targets, decoder.config.first_coordinate)
    if right is not None:
        said = targets >= decoder.config.first_piece
        right += (scores[said].argmax(1) == targets[said]).tolist()
    return loss, {"words": words.item(), "boxes": places.item()}


def write(model: Path, decoder: Decoder, words: Words) -> None:
    """The two files that `glimpse` reads."""
    weights = {key: value.half().contiguous().cpu() for key, value in decoder.state_dict().items()}
    save_file(weights, model / "decoder.safetensors", metadata={"format": "pt"})
    (model / "decoder.safetensors").chmod(0o644)
    text = json.dumps(decoder.config.to_json(words.texts(decoder.config.pieces)), ensure_ascii=False)
    (model / "decoder.json").write_text(text + "\n", encoding="utf-8")
    print(f"wrote decoder.json and decoder.safetensors into {model}", flush=True)


def parser() -> argparse.ArgumentParser:
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
    parser.add_argument("--validation", type=float, default=0.05, help="share of the images that is measured on")
    parser.add_argument("--measured", type=int, default=500, help="images that are measured on at most")
    parser.add_argument("--check-every", type=int, default=1000, help="steps between measurements")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


def main(arguments: list[str] | None = None) -> list[tuple[int, dict[str, float]]]:
    asked = parser()
    options = asked.parse_args(arguments)
    if not (options.instances or options.captions):
        asked.error("nothing to learn: give --instances, --captions or both")
    if options.references and not options.instances:
        asked.error("--references needs the boxes of --instances")
    return train(options)


if __name__ == "__main__":
    main()
