"""The tokenizer: Unigram over all captions, lower-cased, with bytes for what it has never seen."""

import json
from functools import cache

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from .devices import on_device
from .settings import CACHE_DIR, EOS, MODEL_DIR, PAD, TEXT_LENGTH, UNK, VOCABULARY

SPECIAL = ["<pad>", "<eos>", "<unk>"]
BYTES = [f"<0x{value:02X}>" for value in range(256)]
BYTE_SCORE = -40.0  # far below every piece, so that bytes are the last resort


def corpus() -> list[str]:
    """Names and keywords of all emoji in all languages, the names twice."""
    captions = json.loads((CACHE_DIR / "captions.json").read_text(encoding="utf-8"))
    lines = []
    for entry in captions.values():
        lines += 2 * list(entry["names"].values())
        lines += [word for words in entry["keywords"].values() for word in words]
        lines += [pattern.replace("{0}", "").replace("{1}", "") for pattern in entry["list"].values()]
    return lines


def build_tokenizer() -> None:
    """Trains the pieces and writes tokenizer.json into the working folder."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=VOCABULARY - len(BYTES),
        special_tokens=SPECIAL,
        unk_token="<unk>",
        max_piece_length=12,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing("$A <eos>", special_tokens=[("<eos>", EOS)])
    tokenizer.enable_truncation(TEXT_LENGTH)
    tokenizer.enable_padding(length=TEXT_LENGTH, pad_id=PAD, pad_token="<pad>")
    description = json.loads(tokenizer.to_str())
    pieces = description["model"]["vocab"]
    if [piece for piece, _ in pieces[:3]] != SPECIAL:
        raise RuntimeError(f"unexpected first pieces: {pieces[:3]}")
    description["model"].update(
        vocab=pieces + [[byte, BYTE_SCORE] for byte in BYTES], byte_fallback=True, unk_id=UNK
    )
    (CACHE_DIR / "tokenizer.json").write_text(json.dumps(description, ensure_ascii=False), encoding="utf-8")
    print(f"tokenizer: {len(pieces) + len(BYTES)} pieces", flush=True)


@cache
def load_tokenizer() -> Tokenizer:
    """The one that was trained here, else the bundled model's."""
    trained = CACHE_DIR / "tokenizer.json"
    return Tokenizer.from_file(str(trained if trained.exists() else MODEL_DIR / "tokenizer.json"))


def encode(texts: list[str]) -> torch.Tensor:
    """Token ids (b, 32)."""
    encodings = load_tokenizer().encode_batch([text.lower() for text in texts])
    return on_device(np.array([encoding.ids for encoding in encodings], dtype=np.int64))
