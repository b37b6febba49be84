"""Token ids of SigLIP 1 by the reference, for `encoder/tests/inputs/siglip1.rs`.

    python tests/golden/siglip1.py

It trains a small SentencePiece model (Unigram, 250 pieces, special ids as in the released ones) on
sentences that it writes itself, and writes to `siglip1/`:

- `tokenizer.json`, `tokenizer_config.json`: that model in the form that Glimpse reads, by the
  conversion that its error messages name;
- `expected.json`: what transformers' `SiglipTokenizer` gives for some 200 strings, with the
  SentencePiece model itself, padded and cut to 64 ids.

The released vocabularies (c4_en of 32,000 pieces, mC4 of 250,000) are not needed: what is tested is
the cleaning of text, the first piece, unknown letters, the end of text and padding.
"""

import itertools
import json
import string
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
import transformers
from transformers import SiglipTokenizer
from transformers.convert_slow_tokenizer import SpmConverter

LENGTH = 64
PIECES = 250
HERE = Path(__file__).parent / "siglip1"

THINGS = "cat dog boat house tree bicycle umbrella lighthouse mountain river kitchen garden street window child".split()
MORE = """
animal apple autumn balloon bread breakfast bridge brother building butterfly candle carpet castle ceiling chair
chocolate church clock cloud coffee corner curtain dancing desert dinner dolphin drawing elephant engine evening family
farmer feather fishing flower forest friend glasses grandmother guitar hammer helicopter holiday horse island jacket
jumping kitten ladder lantern laughing library lizard market meadow mirror morning motorcycle mushroom necklace ocean
orange painter paper parrot penguin piano pillow playing pumpkin puppy railway reading running sailing sandwich school
shadow shoulder singing sister skating snow soldier spring squirrel statue summer sunflower swimming table teacher
telephone theatre thunder tower traffic train umbrella valley village violin walking waterfall wedding whale winter
"""
LOOKS = "red blue small large wooden old striped sleeping broken bright".split()
PLACES = ["on the beach", "in the rain", "under a bridge", "near the harbour", "at night", "beside 2 others"]
OTHERS = [
    "ein kleiner roter Hund am Strand", "un chat noir sur le canapé", "una casa vieja junto al río", "日本の庭", "красная лодка",
    "café, naïve, Zürich, señor, Ærø", "ﬁne print and № 5", "12 of 340 photos from 1987",
]  # fmt: skip


def sentences() -> list[str]:
    made = [
        f"a {form} of a {look} {thing} {place}"
        for form, look, thing, place in itertools.product(("photo", "picture", "painting"), LOOKS, THINGS, PLACES)
    ]
    more = [f"{first} and {second}" for first, second in itertools.permutations(MORE.split(), 2)]
    return [text.lower() for text in made + more + OTHERS * 40]


def strings() -> list[str]:
    """Punctuation, case, white space, scripts, unknown letters, special tokens in the text, and
    lengths round 64.
    """
    texts = ["", " ", "\n", "\t \n", "a", "A", ".", "...", "?!", string.punctuation, "_", "__a__", "<", "</", "▁", "▁▁a"]
    texts += [f"a photo of a {thing}" for thing in THINGS]
    texts += [f"A Photo of {look.upper()} {thing.title()}s!" for look, thing in zip(LOOKS, THINGS)]
    texts += [f"the {thing}{mark}" for thing, mark in zip(itertools.cycle(THINGS), string.punctuation)]
    texts += [f"red{mark}boat" for mark in string.punctuation]
    texts += [f"red{space}boat" for space in ("  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u200b", " \t ")]
    texts += [f"{space}boat{space}" for space in (" ", "  ", "\n", "\u00a0", "\u3000")]
    texts += OTHERS
    texts += [text.upper() for text in OTHERS]
    texts += ["ﬀ ﬁ ﬂ", "Ⅷ ½ ²", "ｆｕｌｌ ｗｉｄｔｈ", "e\u0301 é", "İstanbul", "ẞ STRASSE", "ΣΊΣΥΦΟΣ", "ǅ", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢"]
    texts += ["“quoted” – «dashes» — … ¿qué? ¡no!", "it's", "it’s", "rock 'n' roll", "U.S.A.", "3.14", "1,000,000", "$5", "#1"]
    texts += ["🐕", "a 🐕 dog", "x̌", "ابحث عن قارب", "猫と犬", "고양이", "ก ข", "qqqq", "zebra xylophone", "\u0000", "a\u0000b", "\ufeffa"]
    texts += ["<unk>", "</s>", "a </s> b", "a</s>b", "<s>", "<pad>", "dog <unk> cat", "<extra_id_0>", "<UNK>"]
    texts += [" ".join(["cat"] * count) for count in (61, 62, 63, 64, 65, 200)]
    texts += ["a photo of a cat " * 40, "x" * 300, "word-after-word, " * 50, "日本の庭" * 40]
    return texts


def train(folder: Path) -> Path:
    text = folder / "text.txt"
    text.write_text("\n".join(sentences()), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(folder / "spiece"), model_type="unigram", vocab_size=PIECES,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>", character_coverage=1.0,
        normalization_rule_name="nmt_nfkc", num_threads=1, shuffle_input_sentence=False, minloglevel=2,
    )  # fmt: skip
    return folder / "spiece.model"


def main() -> None:
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        model = train(Path(folder))
        reference = SiglipTokenizer(str(model))
        SpmConverter(reference).converted().save(str(HERE / "tokenizer.json"), pretty=False)

        def ids(text: str) -> list[int]:
            row = reference(text, padding="max_length", truncation=True, max_length=LENGTH)["input_ids"]
            assert len(row) == LENGTH
            while len(row) > 1 and row[-1] == row[-2] == reference.pad_token_id:
                row.pop()
            return row

        cases = [{"text": text, "ids": ids(text)} for text in strings()]
    settings = {"tokenizer_class": "SiglipTokenizer", "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>",
                "do_lower_case": True, "model_max_length": LENGTH, "model_input_names": ["input_ids"]}  # fmt: skip
    (HERE / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", "utf-8")
    versions = {
        "transformers": transformers.__version__,
        "sentencepiece": sentencepiece.__version__,
        "tokenizers": tokenizers.__version__,
    }
    rows = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    head = f'"versions": {json.dumps(versions)},\n"length": {LENGTH},\n"pieces": {PIECES},\n'
    (HERE / "expected.json").write_text("{\n" + head + f'"cases": [\n{rows}\n]\n}}\n', "utf-8")
    print(f"{len(cases)} strings")


if __name__ == "__main__":
    main()
