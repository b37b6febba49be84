"""Checkpoints of random weights, small enough to be trained in seconds, and images to train on."""

import contextlib
import io
import json
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import Siglip2Config, Siglip2Model, SiglipConfig, SiglipModel
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
SIDE, PATCH, LENGTH = 32, 8, 16
WORDS = "red green blue yellow grey white black brown square picture of a photo the and".split()
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 50, 220), "yellow": (230, 220, 40)}


def tokenizer() -> Tokenizer:
    """A Unigram of the words, with bytes for all else."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "<eos>", "<unk>"]
    made.train_from_iterator(
        WORDS * 20, trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="<unk>", show_progress=False)
    )
    description = json.loads(made.to_str())
    description["model"]["vocab"] += [[f"<0x{value:02X}>", -40.0] for value in range(256)]
    description["model"] |= {"byte_fallback": True, "unk_id": 2}
    made = Tokenizer.from_str(json.dumps(description))
    made.post_processor = processors.TemplateProcessing("$A <eos>", special_tokens=[("<eos>", 1)])
    made.enable_truncation(LENGTH)
    made.enable_padding(length=LENGTH, pad_id=0, pad_token="<pad>")
    return made


def write_tiny(folder: Path, naflex: bool = False, seed: int = 0) -> Path:
    """A whole checkpoint folder; `naflex` makes it one of model type `siglip2`."""
    torch.manual_seed(seed)
    words = tokenizer()
    shared = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2)
    text = dict(
        shared, vocab_size=words.get_vocab_size(), max_position_embeddings=LENGTH, projection_size=32,
        pad_token_id=0, bos_token_id=1, eos_token_id=1,
    )
    if naflex:
        vision = dict(shared, patch_size=PATCH, num_patches=16)
        model = Siglip2Model(Siglip2Config(text_config=text, vision_config=vision))
        processor = {"image_processor_type": "Siglip2ImageProcessor", "patch_size": PATCH, "max_num_patches": 16}
    else:
        vision = dict(shared, patch_size=PATCH, image_size=SIDE)
        model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
        processor = {"image_processor_type": "SiglipImageProcessor", "size": {"height": SIDE, "width": SIDE}}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") and "logit" not in name:
                parameter.normal_(std=0.05)  # libraries start them at zero, where a mistake would not show
        model.logit_scale.fill_(2.3)
        model.logit_bias.fill_(-2.0)
    model.half().save_pretrained(folder)
    words.save(str(folder / "tokenizer.json"))
    files = {
        "preprocessor_config.json": processor | {"resample": 2, "image_mean": [0.5] * 3, "image_std": [0.5] * 3},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "eos_token": "<eos>",
            "unk_token": "<unk>", "model_max_length": LENGTH, "model_input_names": ["input_ids"],
        },
        "calibration.json": {},
        "decoder.json": {},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_images(folder: Path, count: int, captions: dict[str, str]) -> Path:
    """Noisy squares of four colours and `pairs.jsonl`, with what `captions` calls each colour."""
    rng, lines = np.random.default_rng(0), []
    folder.mkdir(parents=True, exist_ok=True)
    names = list(COLOURS)
    for number in range(count):
        colour = names[number % len(names)]
        pixels = np.array(COLOURS[colour]) + rng.normal(0, 25, (SIDE, SIDE, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number:03d}.png")
        lines.append(json.dumps({"image": f"{number:03d}.png", "text": captions[colour], "source": colour}) + "\n")
    (folder / "pairs.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder / "pairs.jsonl"


class InFolder(unittest.TestCase):
    """A test with a folder of its own, whose output is kept in `self.said`."""

    def setUp(self):
        torch.set_num_threads(2)
        torch.manual_seed(0)  # whatever other tests drew
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = Path(self._folder.name)
        self.said = io.StringIO()
        self.enterContext(contextlib.redirect_stdout(self.said))
        from training import embeddings, fit

        for module in (embeddings, fit):
            self.enterContext(unittest.mock.patch.object(module, "CACHE_DIR", self.folder / "cache"))
