"""Adaptation on tiny models: what comes out, what stays, and both ways of storing."""

import io
import json
import signal
from contextlib import redirect_stderr
from unittest.mock import patch

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from training import adapt
from training.checkpoint import INDEX, Towers, write_checkpoint
from training.pairs import read_pairs
from training.tests.tiny import InFolder, write_images, write_tiny

WORDS = {"red": "white", "green": "black", "blue": "brown", "yellow": "grey"}


class Adapt(InFolder):
    naflex = False

    def setUp(self):
        super().setUp()
        self.base = write_tiny(self.folder / "base", self.naflex)
        self.pairs = write_images(self.folder / "images", 32, WORDS)

    def train(self, name: str, *more):
        given = ["--model", self.base, "--pairs", self.pairs, "--out", self.folder / name, "--device", "cpu"]
        numbers = ["--steps", 12, "--batch", 8, "--lr", "5e-3", "--validation", 0.3, "--no-bf16"]
        return adapt.train(adapt.parser().parse_args([str(word) for word in (*given, *numbers, *more)]))

    def vectors(self, folder) -> torch.Tensor:
        towers = Towers(folder)
        views = [pair.view for pair in read_pairs(self.pairs)[:6]]
        with torch.no_grad():
            return torch.cat([towers.texts(towers.ids(["a red square", "white"])), towers.images(towers.pixels(views))])

    def test_the_merged_checkpoint_gives_what_was_trained(self):
        """Half precision is all that may be lost on the way, and only adapted tensors change."""
        seen = {}
        write = adapt.write

        def keeps(towers, *rest):
            views = [pair.view for pair in read_pairs(self.pairs)[:6]]
            with torch.no_grad():
                texts = towers.texts(towers.ids(["a red square", "white"]))
                seen["adapted"] = torch.cat([texts, towers.images(towers.pixels(views))])
            write(towers, *rest)

        with patch.object(adapt, "write", keeps):
            self.train("out", "--bitfit")
        self.assertGreater((seen["adapted"] - self.vectors(self.base)).abs().max().item(), 0.02)
        torch.testing.assert_close(self.vectors(self.folder / "out"), seen["adapted"], atol=3e-3, rtol=0)
        before, after = tensors(self.base), tensors(self.folder / "out")
        self.assertEqual(set(before), set(after))
        for name in before:
            self.assertEqual(before[name].dtype, after[name].dtype)
            adapted = name.endswith((".bias", "q_proj.weight", "v_proj.weight", "in_proj_weight")) or "vision_model.head.mlp" in name
            if not adapted:
                self.assertTrue(torch.equal(before[name], after[name]), name)
        for gone in ("calibration.json", "decoder.json"):
            self.assertFalse((self.folder / "out" / gone).exists(), gone)

    def test_an_adapter_merges_to_the_same_checkpoint(self):
        self.train("merged")
        self.train("adapter", "--no-merge")
        files = sorted(path.name for path in (self.folder / "adapter").iterdir())
        self.assertEqual(files, ["adapter_config.json", "adapter_model.safetensors"])
        options = ["--model", self.base, "--adapter", self.folder / "adapter", "--out", self.folder / "later"]
        adapt.train(adapt.parser().parse_args([str(word) for word in options]))
        first, second = tensors(self.folder / "merged"), tensors(self.folder / "later")
        for name in first:
            self.assertTrue(torch.equal(first[name], second[name]), name)

    def test_a_text_adapter_keeps_image_tower_and_decoder(self):
        self.train("out", "--towers", "text", "--layers", "1")
        before, after = tensors(self.base), tensors(self.folder / "out")
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        block = "text_model.encoder.layers.1.self_attn"
        self.assertEqual(changed, {f"{block}.q_proj.weight", f"{block}.v_proj.weight"})
        self.assertTrue((self.folder / "out" / "decoder.json").exists())


class AdaptNaflex(Adapt):
    naflex = True


class Learning(InFolder):
    def setUp(self):
        super().setUp()
        self.base = write_tiny(self.folder / "base")
        self.pairs = write_images(self.folder / "images", 48, WORDS)
        self.keep = self.folder / "keep.txt"
        self.keep.write_text("red\ngreen square\na photo of blue\n", encoding="utf-8")

    def train(self, name: str, *more):
        return Adapt.train(self, name, "--keep", self.keep, "--steps", 60, "--rank", 4, *more)

    def test_held_out_images_are_found(self):
        figures = self.train("out", "--anchor", 0)
        self.assertGreater(figures[-1][1]["text_r1"], 0.7, figures)
        self.assertLess(figures[0][1]["text_r1"], 0.6, figures)
        self.assertLess(figures[-1][1]["text_r1"], 1.01)

    def test_anchors_hold_vectors_where_they_were(self):
        free = self.train("free", "--anchor", 0, "--keep-weight", 0)[-1][1]
        held = self.train("held", "--anchor", 30, "--keep-weight", 30)[-1][1]
        for key in ("image_cosine", "keep_cosine"):
            self.assertGreater(held[key], 0.95, held)
            self.assertLess(free[key], held[key] - 0.02, free)

    def test_a_stopped_run_ends_as_one_that_was_not(self):
        self.train("whole")
        loss, calls = adapt.Adaptation.loss, []

        def stops(adaptation, rng):
            calls.append(1)
            if len(calls) == 23:
                signal.raise_signal(signal.SIGINT)
            return loss(adaptation, rng)

        with patch.object(adapt.Adaptation, "loss", stops), redirect_stderr(io.StringIO()) as said:
            with self.assertRaises(SystemExit) as ended:
                self.train("stopped")
        self.assertEqual(ended.exception.code, 130)
        self.assertIn("adapt: stopped after step 23", said.getvalue())
        self.train("stopped")
        self.assertIn("going on from step 23", self.said.getvalue())
        whole, stopped = tensors(self.folder / "whole"), tensors(self.folder / "stopped")
        for name in whole:
            self.assertTrue(torch.equal(whole[name], stopped[name]), name)

    def test_errors_say_what_to_do(self):
        for words, more in {
            "give --rank, --bitfit or both": ["--rank", 0],
            "no layer of the towers is called so": ["--targets", "query", "--no-head"],
            "peft knows no adapter of biases alone": ["--rank", 0, "--bitfit", "--no-merge"],
            "nowhere.txt": ["--keep", self.folder / "nowhere.txt"],
        }.items():
            with self.subTest(words), self.assertRaisesRegex(SystemExit, words):
                self.train("out", *more)
        (self.base / "config.json").write_text('{"model_type": "clip"}', encoding="utf-8")
        with self.assertRaisesRegex(SystemExit, "base: config.json says `clip`"):
            self.train("out")


class Checkpoints(InFolder):
    def test_shards_are_written_as_shards(self):
        base = write_tiny(self.folder / "base")
        every = tensors(base)
        names = sorted(every)
        halves = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
        for file, part in halves.items():
            save_file({name: every[name] for name in part}, base / file, metadata={"format": "pt"})
        (base / "model.safetensors").unlink()
        index = {"metadata": {}, "weight_map": {name: file for file, part in halves.items() for name in part}}
        (base / INDEX).write_text(json.dumps(index), encoding="utf-8")
        changed = {names[0]: every[names[0]].float() + 1}
        write_checkpoint(base, self.folder / "out", changed)
        for file, part in halves.items():
            after = tensors(self.folder / "out", file)
            self.assertEqual(sorted(after), sorted(part))
            for name in part:
                expected = (every[name].float() + 1).half() if name in changed else every[name]
                self.assertTrue(torch.equal(after[name], expected), name)
        with self.assertRaisesRegex(SystemExit, "base: has no tensor nothing"):
            write_checkpoint(base, self.folder / "other", {"nothing": torch.zeros(1)})
        with self.assertRaisesRegex(SystemExit, "is not finite"):
            write_checkpoint(base, self.folder / "nan", {names[0]: every[names[0]] * float("nan")})


def tensors(folder, file: str = "model.safetensors") -> dict[str, torch.Tensor]:
    with safe_open(folder / file, framework="pt") as stored:
        return {name: stored.get_tensor(name) for name in stored.keys()}
