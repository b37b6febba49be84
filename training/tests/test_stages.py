"""Every stage of `python -m training build` takes a few steps on drawings and names made up here."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from training.art import SPRITE, STYLES
from training.concepts import load_concepts
from training.languages import LANGUAGES
from training.settings import REPOSITORY

CONCEPTS = 12
# The command line for one stage after the other, whose log is written elsewhere; STOP=N has Ctrl-C
# pressed during step N of the joint stage, OTHER has a device beside the CPU.
DRIVER = """
import contextlib, os, signal, sys
from pathlib import Path
from training import joint, loop
from training.__main__ import main
loop.LOG_DIR = Path(os.environ["GLIMPSE_TRAINING_DIR"]) / "log"
left, loss = [int(os.environ.get("STOP", 0))], joint.JointStage.loss
def stopped(stage, progress):
    left[0] -= 1
    if not left[0]:
        signal.raise_signal(signal.SIGINT)
    return loss(stage, progress)
joint.JointStage.loss = stopped
from training.tests.other_device import other_device
stages, *more = sys.argv[1:]
with other_device() if "OTHER" in os.environ else contextlib.nullcontext():
    for stage in stages.split(","):
        sys.argv[1:] = ["build", "--stage", stage, *more]
        main()
"""


def write_captions(path: Path) -> None:
    """Names and keywords in all languages, of the concepts and of things that are none."""
    emoji = [*load_concepts(CONCEPTS), "🗽", "🧿"]
    pattern = {"2": "{0} + {1}", "start": "{0}, {1}", "middle": "{0}, {1}", "end": "{0} + {1}"}
    captions = {}
    for code in LANGUAGES:
        names = {e: f"{code} name {index}" for index, e in enumerate(emoji)}
        keywords = {e: [f"{code} word {index}", f"{code} kind {index % 3}"] for index, e in enumerate(emoji)}
        for index, e in enumerate(emoji[CONCEPTS:]):  # without a word in common with the concepts
            names[e], keywords[e] = f"elsewhere{index}", ["far"]
        captions[code] = {"names": names, "keywords": keywords, "list": pattern}
    path.write_text(json.dumps(captions), encoding="utf-8")


def write_atlas(path: Path) -> None:
    """A disc of another colour for each concept, in all styles."""
    rng, across = np.random.default_rng(0), np.arange(SPRITE) - SPRITE / 2
    disc = across[:, None] ** 2 + across**2 < (SPRITE / 2 - 2) ** 2
    atlas = np.zeros((len(STYLES), CONCEPTS, SPRITE, SPRITE, 4), np.uint8)
    atlas[..., :3] = rng.integers(0, 256, (len(STYLES), CONCEPTS, 1, 1, 3))
    atlas[..., 3] = 255
    np.save(path, atlas * disc[..., None].astype(np.uint8))


class Stages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        write_captions(cls.folder / "captions.json")
        write_atlas(cls.folder / "atlas.npy")
        cls.train("teacher,text,vision", "--steps", 2)

    @classmethod
    def train(cls, stages: str, *more, code: int = 0, **environment: str) -> str:
        """What is said by a run of a few steps."""
        words = (stages, *more, "--concepts", CONCEPTS, "--batch", 8, "--processes", 1, "--eager")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", DRIVER, *map(str, words)],
            cwd=REPOSITORY, capture_output=True, text=True,
            env=os.environ | {"GLIMPSE_TRAINING_DIR": str(cls.folder), "OMP_NUM_THREADS": "1"} | environment,
        )
        if done.returncode != code:
            raise AssertionError(f"ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def state(self, stage: str) -> dict:
        return torch.load(self.folder / "checkpoints" / f"{stage}.pt", weights_only=True)

    def are_numbers(self, tensors: dict) -> None:
        for name, tensor in tensors.items():
            self.assertTrue(bool(tensor.isfinite().all()), name)

    def test_stages_train_one_after_the_other(self):
        stages = ("joint", "decoder", "refine", "refine_decoder", "naflex")
        said = self.train(",".join(stages), "--steps", 2)
        for stage in stages:
            self.assertIn(f"{stage} step 2  100.0 %", said)
        for stage in ("teacher", "text", "vision", *stages):
            self.are_numbers(self.state(stage)["modules"])
        for stage in stages:
            (self.folder / "checkpoints" / f"{stage}.pt").unlink()

    def test_the_joint_stage_with_all_its_parts_is_stopped_and_goes_on(self):
        parts = ("joint", "--steps", 4, "--silc", 1, "--masked", 1, "--locca", 0.5, "--curate", 0.5)
        said = self.train(*parts, code=130, STOP="2")
        self.assertIn("joint: stopped after step 2; the same command goes on from there", said)
        stopped = self.state("joint")
        self.assertEqual((stopped["step"], stopped["done"]), (2, False))
        said = self.train(*parts)
        self.assertIn("joint: going on from step 2", said)
        for metric in ("silc", "masked", "cap_words", "aref_boxes", "pairs"):
            self.assertRegex(said, rf"{metric} \d")
        done = self.state("joint")
        self.assertEqual((done["step"], done["done"]), (4, True))
        self.are_numbers(done["modules"])
        self.are_numbers(done["beside"])
        # Everything that is trained has moved, and the teacher after it.
        for name in ("distillation.mask_token", "distillation.teacher.vision_model.head.probe", "decoder.output.weight"):
            self.assertFalse(torch.equal(done["beside"][name], stopped["beside"][name]), name)
        (self.folder / "checkpoints" / "joint.pt").unlink()

    def test_on_another_device_nothing_is_left_on_the_cpu(self):
        parts = ("--silc", 1, "--masked", 1, "--locca", 0.5, "--curate", 0.5)
        self.train("joint,decoder,naflex", "--steps", 1, *parts, "--device", "other:0", OTHER="1")
        for stage in ("joint", "decoder", "naflex"):
            state = self.state(stage)  # which the CPU can read
            self.assertEqual((state["step"], state["done"]), (1, True))
            self.are_numbers(state["modules"])
            (self.folder / "checkpoints" / f"{stage}.pt").unlink()


if __name__ == "__main__":
    unittest.main()
