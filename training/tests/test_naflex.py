"""The NaFlex checkpoint that is made of one of fixed resolution: the same network, and trained on."""

import json
import unittest

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoModel
from transformers.models.siglip2.modeling_siglip2 import Siglip2VisionEmbeddings

from training import adapt, naflex
from training.checkpoint import CheckpointError, Towers
from training.naflex_stage import BUDGETS, draw_grid
from training.pairs import View
from training.resolution import resized
from training.tests.tiny import PATCH, SIDE, InFolder, write_images, write_tiny

GRID = SIDE // PATCH


def load(folder):
    return AutoModel.from_pretrained(folder, dtype=torch.float32).eval()


class NaFlex(InFolder):
    def setUp(self):
        super().setUp()
        self.base, self.out = write_tiny(self.folder / "base"), self.folder / "out"
        naflex.to_naflex(self.base, self.out)

    def test_of_the_same_grid_it_gives_the_same_vectors(self):
        pixels = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
        patches = pixels.reshape(2, 3, GRID, PATCH, GRID, PATCH).permute(0, 2, 4, 3, 5, 1).reshape(2, GRID * GRID, -1)
        shapes = torch.tensor([[GRID, GRID]] * 2)
        with torch.no_grad():
            fixed = load(self.base).vision_model(pixels).pooler_output
            mask = torch.ones(2, GRID * GRID, dtype=torch.int32)
            free = load(self.out).vision_model(patches, mask, shapes).pooler_output
        torch.testing.assert_close(free, fixed, atol=1e-5, rtol=0)
        self.assertGreater((fixed[0] - fixed[1]).abs().max().item(), 1e-3)

    def test_only_the_layer_of_patches_has_another_shape(self):
        before, after = (load_file(folder / "model.safetensors") for folder in (self.base, self.out))
        self.assertEqual(set(before), set(after))
        for name, tensor in before.items():
            self.assertEqual(tensor.dtype, after[name].dtype)
            if name != naflex.PATCHES:
                self.assertTrue(torch.equal(tensor, after[name]), name)
        # The value of row 1, column 2, colour 0 of a patch.
        old, new = before[naflex.PATCHES], after[naflex.PATCHES]
        self.assertEqual(new.shape, (old.shape[0], 3 * PATCH * PATCH))
        self.assertTrue(torch.equal(old[:, 0, 1, 2], new[:, (1 * PATCH + 2) * 3]))

    def test_images_keep_their_shape_within_the_budget(self):
        towers = Towers(self.out)
        noise = np.random.default_rng(5).integers(0, 255, (40, 120, 3), dtype=np.uint8)
        Image.fromarray(noise).save(self.folder / "wide.png")
        pixels = towers.pixels([View(self.folder / "wide.png", None)])
        rows, columns = pixels["spatial_shapes"][0].tolist()
        self.assertGreaterEqual(columns, 2 * rows)
        self.assertLessEqual(rows * columns, GRID * GRID)
        self.assertEqual(json.loads((self.out / naflex.PREPROCESSOR).read_text())["max_num_patches"], GRID * GRID)

    def test_what_cannot_become_naflex_is_refused(self):
        with self.assertRaisesRegex(CheckpointError, "`siglip` can become NaFlex"):
            naflex.to_naflex(self.out, self.folder / "again")
        config = json.loads((self.base / "config.json").read_text())
        config["vision_config"]["image_size"] = SIDE + 3
        (self.base / "config.json").write_text(json.dumps(config))
        with self.assertRaisesRegex(CheckpointError, "do not fill images"):
            naflex.to_naflex(self.base, self.folder / "again")

    def test_it_is_adapted_to_several_lengths(self):
        pairs = write_images(self.folder / "images", 32, {"red": "white", "green": "black", "blue": "brown", "yellow": "grey"})
        seen = []
        images = adapt.Adaptation.images

        def noted(adaptation, views, budget=None):
            seen.append(budget)
            return images(adaptation, views, budget)

        def train(model, *more):
            given = ["--model", model, "--pairs", pairs, "--out", self.folder / "adapted", "--device", "cpu", "--no-bf16"]
            numbers = ["--steps", 40, "--batch", 8, "--lr", "5e-3", "--validation", 0.3, "--towers", "vision"]
            return adapt.train(adapt.parser().parse_args([str(word) for word in (*given, *numbers, *more)]))

        adapt.Adaptation.images = noted
        self.addCleanup(setattr, adapt.Adaptation, "images", images)
        figures = train(self.out, "--patches", "9,16,25")
        self.assertEqual(set(seen), {None, 9, 16, 25})
        before, after = figures[0][1], figures[-1][1]
        for budget in (9, 16, 25):
            self.assertGreater(after[f"text_r1_of_{budget}"], before[f"text_r1_of_{budget}"])
        self.assertEqual(load(self.folder / "adapted").config.model_type, "siglip2")
        with self.assertRaisesRegex(SystemExit, "squashed to a square"):
            train(self.base, "--patches", "9", "--state", self.folder / "other.pt", "--out", self.folder / "other")


class Grids(unittest.TestCase):
    def test_positions_are_resized_as_the_reference_does(self):
        table = torch.randn(9, 4, generator=torch.Generator().manual_seed(5))
        for rows, columns in ((3, 3), (2, 5), (6, 1)):
            shapes = torch.tensor([[rows, columns]])
            theirs = Siglip2VisionEmbeddings.resize_positional_embeddings(table.reshape(3, 3, 4), shapes, rows * columns)
            torch.testing.assert_close(resized(table, rows, columns), theirs[0])
        self.assertTrue(torch.equal(resized(table, 3, 3), table))

    def test_grids_keep_to_a_budget_and_have_many_shapes(self):
        rng = np.random.default_rng(6)
        grids = [draw_grid(rng) for _ in range(500)]
        self.assertTrue(all(1 <= rows * columns <= max(BUDGETS) for rows, columns in grids))
        aspects = [columns / rows for rows, columns in grids]
        self.assertLess(min(aspects), 0.5)
        self.assertGreater(max(aspects), 2)
        self.assertGreater(np.mean([rows * columns for rows, columns in grids]), 0.8 * np.mean(BUDGETS))


if __name__ == "__main__":
    unittest.main()
