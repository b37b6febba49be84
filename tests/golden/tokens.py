"""Token ids of the reference, for `encoder/tests/inputs/tokens.rs`.

    python tests/golden/tokens.py TOKENIZER_JSON

reads `tokens/strings.json` (written for this test: short captions in many languages and odd
strings) and writes `tokens/expected.json`: what transformers' `Siglip2Tokenizer` gives for the
released SigLIP 2 tokenizer, settings as in the released `tokenizer_config.json`, cut at 64 tokens.
Padding (id 0) is left out. Long texts, which would only bloat the file, are made by repetition.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import tokenizers
import transformers
from transformers.models.siglip2.tokenization_siglip2 import Siglip2Tokenizer

LENGTH = 64
HERE = Path(__file__).parent / "tokens"

# text, repetitions
LONG = [
    ("a photo of a cat ", 40),
    ("Надпись на стене. ", 60),
    ("長い文章を繰り返す。", 30),
    ("x", 5000),
    (" ", 3000),
    ("\n", 500),
    ("ab", 9000),
    ("🐕", 400),
    ("no-spaces-at-all,", 2000),
]


def load(path: Path, folder: Path) -> Siglip2Tokenizer:
    """The reference tokenizer over a released `tokenizer.json`, with the released settings."""
    tokenizer = json.loads(path.read_text("utf-8"))
    added = {
        str(token["id"]): {key: value for key, value in token.items() if key != "id"}
        for token in tokenizer["added_tokens"]
    }
    settings = {
        "add_bos_token": False,
        "add_eos_token": True,
        "added_tokens_decoder": added,
        "bos_token": "<bos>",
        "do_lower_case": True,
        "eos_token": "<eos>",
        "mask_token": "<mask>",
        "model_input_names": ["input_ids"],
        "model_max_length": LENGTH,
        "pad_token": "<pad>",
        "padding_side": "right",
        "tokenizer_class": "Siglip2Tokenizer",
        "unk_token": "<unk>",
    }
    (folder / "tokenizer.json").write_text(path.read_text("utf-8"), "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return Siglip2Tokenizer.from_pretrained(folder)


def main() -> None:
    path = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = load(path, Path(folder))

    def ids(text: str) -> list[int]:
        row = tokenizer(text, padding="max_length", truncation=True, max_length=LENGTH)["input_ids"]
        assert len(row) == LENGTH
        while row[-1] == tokenizer.pad_token_id:
            row.pop()
        return row

    strings = json.loads((HERE / "strings.json").read_text("utf-8"))
    short = [
        {"language": language, "text": text, "ids": ids(text)} for language, texts in strings.items() for text in texts
    ]
    long = [{"text": text, "times": times, "ids": ids(text * times)} for text, times in LONG]
    versions = {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = ["{", f'"versions": {json.dumps(versions)},', f'"tokenizer_sha256": "{digest}",', f'"length": {LENGTH},']
    for name, entries, end in [("short", short, ","), ("long", long, "")]:
        rows = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        lines.append(f'"{name}": [\n{rows}\n]{end}')
    (HERE / "expected.json").write_text("\n".join(lines) + "\n}\n", "utf-8")
    print(f"{len(short)} short strings in {len(strings)} groups, {len(long)} long ones")


if __name__ == "__main__":
    main()
