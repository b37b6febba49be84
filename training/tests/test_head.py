"""The decoder for other checkpoints: registers, what is kept between runs, and that it learns."""

import json
import os
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

from training import head
from training.head_features import Features
from training.measures import overlap
from training.registers import mend, noise, outliers, slots
from training.tests.tiny import COLOURS, SIDE, InFolder, write_tiny


class Registers(InFolder):
    def test_a_register_takes_the_mean_of_its_neighbours(self):
        """The numbers of the test of the same name in encoder/src/dense/registers.rs."""
        tokens = torch.tensor([100.0 if i == 4 else float(i) for i in range(9)]).view(1, 9, 1)
        norms = torch.tensor([[40.0 if i == 4 else 2.0 for i in range(9)]])
        broken = outliers(norms)
        self.assertEqual(broken.nonzero().tolist(), [[0, 4]])
        broken[0, 0] = True
        mended = mend(tokens, broken, 3, 3)[0, :, 0]
        self.assertAlmostEqual(mended[4].item(), 32 / 7, places=5)
        self.assertEqual(mended[0].item(), 2.0)
        self.assertEqual(mended[8].item(), 8.0)

    def test_the_middle_of_a_clump_stays(self):
        broken = torch.ones(1, 25, dtype=torch.bool)
        broken[0, 0] = False
        values = torch.arange(25.0).view(1, 25, 1)
        mended = mend(values, broken, 5, 5)[0, :, 0]
        self.assertEqual(mended[[1, 5, 6]].tolist(), [0.0, 0.0, 0.0])
        self.assertEqual(mended[12].item(), 12.0)
        self.assertTrue(torch.equal(mend(values, torch.ones_like(broken), 5, 5), values))

    def test_slots_are_long_in_nearly_all_images(self):
        norms = torch.ones(20, 9)
        norms[:, 3] = 9
        norms[:17, 5] = 9
        self.assertEqual(slots(norms).nonzero()[:, 0].tolist(), [3])

    def test_noise_is_that_of_the_encoder(self):
        """Pixel (5, 9) of seed 3, worked out by the formula in Python's integers."""
        bits = (3 * 0x9E3779B9 & 0xFFFFFFFF) ^ (5 // 32) << 16 ^ (9 // 32)
        for _ in range(3):
            bits = ((bits ^ bits >> 15) * 0x85EBCA6B & 0xFFFFFFFF) ^ bits >> 13
        self.assertEqual(noise(3).getpixel((5, 9)), tuple(bits.to_bytes(4, "little")[:3]))
        self.assertNotEqual(noise(0).tobytes(), noise(1).tobytes())


class Head(InFolder):
    def setUp(self):
        super().setUp()
        self.enterContext(patch.object(head, "CACHE_DIR", self.folder / "cache"))
        self.base = write_tiny(self.folder / "base")
        self.images = self.folder / "images"
        self.images.mkdir()
        self.write_scenes(40)

    def write_scenes(self, count: int, words: str = "") -> None:
        """A coloured square in one of four corners, with its box and name."""
        rng, images, annotations = np.random.default_rng(5), [], []
        names = list(COLOURS)
        for number in range(count):
            pixels = rng.integers(0, 40, (SIDE, SIDE, 3), dtype=np.uint8)
            left, top = (16 * int(side) for side in rng.integers(0, 2, 2))
            colour = int(rng.integers(4))
            pixels[top : top + 16, left : left + 16] = COLOURS[names[colour]]
            Image.fromarray(pixels).save(self.images / f"{number}.png")
            images.append({"id": number, "file_name": f"{number}.png", "width": SIDE, "height": SIDE})
            annotations.append({"id": number, "image_id": number, "category_id": colour, "bbox": [left, top, 16, 16]})
        categories = [{"id": number, "name": name + words} for number, name in enumerate(names)]
        data = {"images": images, "annotations": annotations, "categories": categories}
        (self.folder / "instances.json").write_text(json.dumps(data), encoding="utf-8")

    def train(self, *more) -> list:
        given = ["--model", self.base, "--images", self.images, "--instances", self.folder / "instances.json"]
        numbers = ["--steps", 8, "--batch", 16, "--validation", 0.3, "--device", "cpu", *more]
        return head.main([str(word) for word in (*given, *numbers)])

    def test_it_learns_and_tells_by_what(self):
        with patch.object(head, "LEARNING_RATE", 5e-3):
            figures = self.train("--steps", 120)
        first, last = figures[0][1], figures[-1][1]
        self.assertLess(last["loss"], 0.7 * first["loss"], figures)
        self.assertGreater(last["words"], first["words"] + 0.2, figures)
        self.assertIn("acc_at_05", last)
        self.assertTrue((self.base / "decoder.safetensors").exists())
        self.assertIn("features: 40 of 40 images", self.said.getvalue())

    def test_a_finished_run_is_not_repeated_and_other_labels_are_refused(self):
        self.train()
        before = (self.base / "decoder.safetensors").read_bytes()
        self.train()
        self.assertIn("going on from step 8", self.said.getvalue())
        self.assertEqual((self.base / "decoder.safetensors").read_bytes(), before)
        self.write_scenes(40, words=" square")
        for file in self.images.iterdir():
            os.utime(file, ns=(10**18, 10**18))
        self.train()  # the images are others by their times, so the run is one of its own
        self.write_labels_only(" white")
        with self.assertRaisesRegex(SystemExit, "decoder.pt: was begun with labels"):
            self.train()

    def write_labels_only(self, words: str) -> None:
        data = json.loads((self.folder / "instances.json").read_text(encoding="utf-8"))
        for category in data["categories"]:
            category["name"] += words
        (self.folder / "instances.json").write_text(json.dumps(data), encoding="utf-8")

    def test_features_follow_content(self):
        files = sorted(self.images.iterdir())[:4]
        make = lambda: Features(self.base, files, self.folder / "features", "cpu")  # noqa: E731
        first = make()
        first.fill()
        again = make()
        self.assertTrue(again.done.all())
        self.assertEqual(again.folder, first.folder)
        Image.new("RGB", (SIDE, SIDE), (1, 2, 3)).save(files[0])
        other = make()
        self.assertNotEqual(other.folder, first.folder)
        self.assertFalse(other.done.any())
        write_tiny(self.folder / "base", seed=9)
        self.assertNotEqual(make().folder, other.folder)

    def test_an_unreadable_image_is_left_out(self):
        (self.images / "3.png").write_bytes(b"no image")
        self.train()
        self.assertIn("left out", self.said.getvalue())
        self.assertIn("3.png", self.said.getvalue())


class Measures(InFolder):
    def test_overlap(self):
        self.assertAlmostEqual(overlap((0, 0, 2, 2), (1, 0, 3, 2)), 1 / 3)
        self.assertEqual(overlap((0, 0, 1, 1), (2, 2, 3, 3)), 0)
