"""Locked-image tuning on a tiny model: what may change, what may not, and that it learns."""

import json
from unittest.mock import patch

import numpy as np
import torch
from safetensors import safe_open
from tokenizers import Tokenizer

from training import fit, lit
from training.tests.tiny import InFolder, tokenizer, write_images, write_tiny
from training.vocabulary import grown, learn_pieces, unknown_characters, with_pieces

LAO = {"red": "ແດງ", "green": "ຂຽວ", "blue": "ຟ້າ", "yellow": "ເຫຼືອງ"}
KNOWN = "a picture of the red square\nblue and green\nwhite\nphoto of yellow\n"


class Vocabulary(InFolder):
    def test_new_pieces_leave_old_texts_as_they_were(self):
        old = tokenizer()
        pieces = learn_pieces(old, [*LAO.values(), "red ແດງ"] * 3, 40)
        new = Tokenizer.from_str(with_pieces(old, pieces))
        self.assertLessEqual(len(pieces), 40)
        for text in [*KNOWN.splitlines(), "Ünknown ▁ 日本", "rot"]:
            with self.subTest(text):
                self.assertEqual(new.encode(text).ids, old.encode(text).ids)
        for text in LAO.values():
            with self.subTest(text):
                tokens = [token for token in new.encode(text).tokens if token != "<pad>"]
                self.assertFalse([token for token in tokens if token.startswith("<0x")], tokens)
                self.assertEqual("".join(tokens[:-1]).strip("▁"), text)

    def test_no_piece_is_added_for_known_characters(self):
        self.assertEqual(unknown_characters(tokenizer(), ["Red", "blue"]), set())
        self.assertEqual(learn_pieces(tokenizer(), ["red"], 40), [])

    def test_table_grows_behind_its_rows(self):
        table = torch.randn(50, 8)
        larger = grown(table, 7, seed=1)
        self.assertEqual(larger.shape, (57, 8))
        self.assertTrue(torch.equal(larger[:50], table))


class LockedImageTuning(InFolder):
    def setUp(self):
        super().setUp()
        self.base = write_tiny(self.folder / "base")
        self.pairs = write_images(self.folder / "images", 40, LAO)
        self.keep = self.folder / "keep.txt"
        self.keep.write_text(KNOWN, encoding="utf-8")

    def train(self, name: str, *more: str):
        """A short run; returns what was measured and the tensors before and after."""
        given = ["--model", self.base, "--pairs", self.pairs, "--keep", self.keep, "--out", self.folder / name]
        numbers = ["--steps", 30, "--batch", 8, "--images-per-step", 16, "--no-bf16", "--device", "cpu", "--validation", 0.3]
        figures = lit.train(lit.parser().parse_args([str(word) for word in (*given, *numbers, *more)]))
        return figures, tensors(self.base), tensors(self.folder / name)

    def test_the_image_tower_stays_bit_for_bit_and_the_text_tower_learns(self):
        figures, before, after = self.train("out", "--pieces", "30", "--lr", "3e-3", "--steps", "80")
        for name in before:
            if name.startswith(("vision_model.", "logit_")):
                self.assertTrue(torch.equal(before[name], after[name]), name)
        self.assertFalse(torch.equal(before[lit.TABLE], after[lit.TABLE][: len(before[lit.TABLE])]))
        config = json.loads((self.folder / "out" / "config.json").read_text(encoding="utf-8"))
        self.assertEqual(config["text_config"]["vocab_size"], len(after[lit.TABLE]))
        self.assertFalse((self.folder / "out" / "calibration.json").exists())
        self.assertTrue((self.folder / "out" / "decoder.json").exists())
        first, last = figures[0][1], figures[-1][1]
        self.assertGreater(last["text_r1"], 0.7, figures)
        self.assertLess(first["text_r1"], 0.6, figures)
        self.assertGreater(last["keep_least"], 0.9, figures)

    def test_new_rows_alone_leave_every_other_tensor(self):
        _, before, after = self.train("out", "--pieces", "30", "--layers", "0", "--rows", "new", "--lr", "0.05")
        old = len(before[lit.TABLE])
        self.assertTrue(torch.equal(before[lit.TABLE], after[lit.TABLE][:old]))
        self.assertEqual({name for name in before if not torch.equal(before[name], after[name])}, {lit.TABLE})

    def test_last_block_alone(self):
        _, before, after = self.train("out", "--layers", "1", "--rows", "used", "--pieces", "0")
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        self.assertIn("text_model.encoder.layers.1.mlp.fc1.weight", changed)
        self.assertFalse([name for name in changed if "layers.0." in name or "position" in name], changed)
        rows = (before[lit.TABLE] != after[lit.TABLE]).any(1)
        used = {token for text in LAO.values() for token in tokenizer().encode(text).ids}
        self.assertLessEqual(set(rows.nonzero()[:, 0].tolist()), used)
        self.assertTrue(rows.any())

    def test_a_stopped_run_ends_as_one_that_was_not(self):
        _, _, whole = self.train("whole", "--source-weight", "1")
        loss, calls = lit.LockedImageTuning.loss, []

        def stops(tuning, rng):
            calls.append(1)
            if len(calls) == 17:
                raise KeyboardInterrupt
            return loss(tuning, rng)

        with patch.object(lit.LockedImageTuning, "loss", stops), patch.object(fit, "SAVE_SECONDS", -1):
            with self.assertRaises(KeyboardInterrupt):
                self.train("stopped", "--source-weight", "1")
        _, _, stopped = self.train("stopped", "--source-weight", "1")
        self.assertIn("going on from step 16", self.said.getvalue())
        for name in whole:
            self.assertTrue(torch.equal(whole[name], stopped[name]), name)

    def test_a_state_of_other_settings_is_refused(self):
        state = self.folder / "state.pt"
        self.train("one", "--state", str(state))
        with self.assertRaisesRegex(SystemExit, "state.pt: was begun with keep_weight 10.0, not 3.0"):
            self.train("two", "--state", str(state), "--keep-weight", "3")

    def test_a_folder_that_is_not_empty_is_left_alone(self):
        (self.folder / "out").mkdir()
        (self.folder / "out" / "precious").write_text("")
        with self.assertRaisesRegex(SystemExit, "out: is not empty"):
            self.train("out")

    def test_positives_are_all_right_images(self):
        pairs = lit.read_pairs(self.pairs)
        captions = lit.Captions(pairs, {pair.view: place for place, pair in enumerate(pairs)})
        images = np.array([0, 1, 4, 5, 39])
        expected = np.array([[place % 4 == row for place in images] for row in range(4)])
        np.testing.assert_array_equal(captions.positive(range(4), images).numpy(), expected)


def tensors(folder) -> dict[str, torch.Tensor]:
    with safe_open(folder / "model.safetensors", framework="pt") as stored:
        return {name: stored.get_tensor(name) for name in stored.keys()}
