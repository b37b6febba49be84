"""The checkpoint of another resolution: its positions by hand, and that it is trained on."""

import json

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModel

from training import adapt, resolution
from training.checkpoint import CheckpointError
from training.tests.tiny import PATCH, SIDE, InFolder, write_images, write_tiny

GRID = SIDE // PATCH


def bilinear(table: np.ndarray, before: int, after: int) -> np.ndarray:
    """A larger grid by hand: centres of pixels are laid on each other, borders are continued."""
    grid = table.reshape(before, before, -1)
    where = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    low = np.minimum(where.astype(int), before - 2)
    part = where - low
    rows = grid[low] * (1 - part)[:, None, None] + grid[low + 1] * part[:, None, None]
    return (rows[:, low] * (1 - part)[None, :, None] + rows[:, low + 1] * part[None, :, None]).reshape(after * after, -1)


class Resolution(InFolder):
    def setUp(self):
        super().setUp()
        self.base, self.out = write_tiny(self.folder / "base"), self.folder / "out"

    def test_positions_are_those_by_hand(self):
        table = np.random.default_rng(3).normal(size=(16, 5)).astype(np.float32)
        found = resolution.resized(torch.from_numpy(table), 7, 7).numpy()
        np.testing.assert_allclose(found, bilinear(table, 4, 7), atol=1e-5)
        self.assertTrue(torch.equal(resolution.resized(torch.from_numpy(table), 4, 4), torch.from_numpy(table)))
        # Half as many: each is a mean of the four that it covers, and of some around them.
        smaller = resolution.resized(torch.arange(16.0)[:, None], 2, 2)[:, 0]
        self.assertAlmostEqual(smaller.mean().item(), 7.5, places=4)
        self.assertTrue(bool((smaller.diff() > 0).all()))
        with self.assertRaisesRegex(CheckpointError, "15 positions are no square"):
            resolution.resized(torch.zeros(15, 2), 3, 3)

    def test_all_else_stays_and_the_reference_reads_it(self):
        resolution.to_resolution(self.base, self.out, SIDE + 2 * PATCH)
        before, after = (load_file(folder / "model.safetensors") for folder in (self.base, self.out))
        self.assertEqual(set(before), set(after))
        for name, tensor in before.items():
            self.assertEqual(tensor.dtype, after[name].dtype)
            self.assertEqual(name != resolution.POSITIONS, torch.equal(tensor, after[name]), name)
        model = AutoModel.from_pretrained(self.out, dtype=torch.float32).eval()
        with torch.no_grad():
            side = SIDE + 2 * PATCH
            states = model.vision_model(torch.randn(1, 3, side, side)).last_hidden_state
        self.assertEqual(states.shape[1], (GRID + 2) ** 2)
        settings = json.loads((self.out / resolution.PREPROCESSOR).read_text())
        self.assertEqual(settings["size"], {"height": side, "width": side})

    def test_the_same_size_is_the_same_network(self):
        resolution.to_resolution(self.base, self.out, SIDE)
        before, after = (load_file(folder / "model.safetensors") for folder in (self.base, self.out))
        self.assertTrue(all(torch.equal(tensor, after[name]) for name, tensor in before.items()))

    def test_sizes_that_make_no_sense_are_refused(self):
        for size in (SIDE + 1, 0, PATCH - 1):
            with self.assertRaisesRegex(CheckpointError, f"multiple of {PATCH}"):
                resolution.to_resolution(self.base, self.out, size)

    def test_it_is_trained_on_images_of_its_size(self):
        resolution.to_resolution(self.base, self.out, SIDE + PATCH)
        pairs = write_images(self.folder / "images", 32, {"red": "white", "green": "black", "blue": "brown", "yellow": "grey"})
        given = ["--model", self.out, "--pairs", pairs, "--out", self.folder / "adapted", "--device", "cpu", "--no-bf16"]
        numbers = ["--steps", 40, "--batch", 8, "--lr", "5e-3", "--validation", 0.3, "--towers", "vision"]
        figures = adapt.train(adapt.parser().parse_args([str(word) for word in (*given, *numbers)]))
        self.assertGreater(figures[-1][1]["text_r1"], figures[0][1]["text_r1"])
        self.assertEqual(json.loads((self.folder / "adapted" / "config.json").read_text())["vision_config"]["image_size"], SIDE + PATCH)


if __name__ == "__main__":
    import unittest

    unittest.main()
