"""A small random decoder, and what its definition in training/decoder_model.py computes with it.

    .venv/bin/python tests/golden/decoder.py

Writes tests/golden/decoder/: decoder.json, decoder.safetensors, and golden.json with the scores of
every position of one sequence a task, and the greedy answers.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from training.decode import boxes, caption_ids  # noqa: E402
from training.decoder_model import AREF, CAP, EOS, GCAP, LANGUAGE, SEPARATOR, START, Decoder, DecoderConfig  # noqa: E402

ROWS, COLUMNS, PIECES = 3, 4, 40


def main():
    torch.manual_seed(7)
    config = DecoderConfig(24, 32, 64, 4, 2, 20, ("en", "ja"), tuple(range(3, 3 + 2 * PIECES, 2)))
    decoder = Decoder(config).eval()
    with torch.no_grad():
        for p in decoder.parameters():
            p.copy_(torch.randn_like(p) * (p.shape[-1] ** -0.5 if p.dim() > 1 else 0.2) + (0.0 if p.dim() > 1 else 0.5))
        decoder.output.weight.mul_(3)
    tokens, aligned = torch.randn(2, 2, ROWS * COLUMNS, config.vision_size)
    wanted = torch.nn.functional.normalize(torch.randn(2, config.vision_size), dim=-1)
    box = [config.first_coordinate + place for place in (20, 480, 150, 40)]
    words = [config.first_piece + i for i in (5, 0, 39, 17)]
    sequences = {
        "cap": [START, CAP, LANGUAGE + 1, *words],
        "aref": [START, AREF, *box],
        "gcap": [START, GCAP, LANGUAGE, *box, SEPARATOR, *words],
    }
    with torch.no_grad():
        seen = decoder.look(tokens, aligned, ROWS, COLUMNS)
        scores = {
            name: decoder(torch.tensor([ids]), seen[:1], wanted[:1] if name == "aref" else None)[0]
            for name, ids in sequences.items()
        }
        found = boxes(decoder, seen, wanted)
        said = caption_ids(decoder, seen, [sequences["cap"][:3]] * 2)
    folder = ROOT / "tests/golden/decoder"
    folder.mkdir(exist_ok=True)
    save_file({k: v.contiguous() for k, v in decoder.state_dict().items()}, folder / "decoder.safetensors")
    texts = [f"\u2581w{i}" if i % 2 else f"v{i}" for i in range(PIECES)]
    (folder / "decoder.json").write_text(json.dumps(config.to_json(texts)) + "\n")
    golden = {
        "torch": torch.__version__,
        "tokens": [row.flatten().tolist() for row in tokens],
        "aligned": [row.flatten().tolist() for row in aligned],
        "texts": wanted.tolist(),
        "sequences": sequences,
        # Every seventh score of each position.
        "scores": {name: rows[:, ::7].tolist() for name, rows in scores.items()},
        "boxes": found.tolist(),
        "captions": said,
        "end": EOS,
    }
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
