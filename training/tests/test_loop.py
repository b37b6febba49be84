"""The loop that all stages share: a run that was stopped, one that is done, and one of other options."""

import contextlib
import io
import signal
import unittest
import unittest.mock

import numpy as np
import torch
from torch import nn

from training import loop
from training.settings import Budget
from training.tests.tiny import InFolder


class Drawing:
    def __init__(self):
        self.rng = np.random.default_rng(1)
        self.generator = torch.Generator().manual_seed(1)


class Line(loop.Stage):
    """Fits one number to what is drawn."""

    def __init__(self, rank: int, budget: Budget, share: float = 1.0):
        self.name, self.log_name = "line", "line"
        self.modules = nn.Linear(1, 1, bias=False)
        self.optimisers = [torch.optim.SGD(self.modules.parameters(), lr=0.1 * share)]
        self.painter = self.curator = Drawing()
        Line.last = self
        self.drawn = []

    def loss(self, progress: float):
        if len(self.drawn) == Line.most:
            raise KeyboardInterrupt
        if len(self.drawn) == Line.pressed:
            signal.raise_signal(signal.SIGINT)
        value = torch.randn(1, generator=self.curator.generator)
        self.drawn.append((self.painter.rng.random(), value.item()))
        loss = (self.modules(value) - 2 * value).square().mean()
        return loss, {"loss": loss.item()}


class Loop(InFolder):
    def setUp(self):
        super().setUp()
        for name in ("CACHE_DIR", "LOG_DIR"):
            self.enterContext(unittest.mock.patch.object(loop, name, self.folder / name))
        # A state after every step.
        self.enterContext(unittest.mock.patch.object(loop, "CHECKPOINT_SECONDS", -1))
        Line.most = Line.pressed = None

    def run_line(self, **options):
        loop.run(Line, Budget(8, 1, processes=1), **options)
        return Line.last

    def test_a_run_that_is_stopped_goes_on_with_new_data(self):
        Line.most = 5
        with self.assertRaises(KeyboardInterrupt):
            self.run_line()
        before = Line.last
        Line.most = None
        after = self.run_line()
        self.assertIn("line: going on from step 5", self.said.getvalue())
        self.assertEqual(len(after.drawn), 4)  # the last batch only says that the steps are done
        for of_before, of_after in zip(zip(*before.drawn), zip(*after.drawn)):
            self.assertEqual(len({*of_before} & {*of_after}), 0)

    def test_ctrl_c_keeps_the_step_that_is_at_work(self):
        self.enterContext(unittest.mock.patch.object(loop, "CHECKPOINT_SECONDS", 1e9))
        Line.pressed = 2
        with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as ended:
            self.run_line()
        self.assertEqual((ended.exception.code, len(Line.last.drawn)), (130, 3))
        self.assertIn("line: stopped after step 3; the same command goes on from there", said.getvalue())
        Line.pressed = None
        self.run_line()
        self.assertIn("line: going on from step 3", self.said.getvalue())

    def test_what_is_done_is_said_and_not_done_again(self):
        first = self.run_line()
        again = self.run_line()
        self.assertEqual((len(first.drawn), again.drawn), (9, []))
        self.assertIn("line: is trained; delete", self.said.getvalue())

    def test_a_state_of_other_options_is_refused(self):
        self.run_line(share=1.0)
        with self.assertRaisesRegex(SystemExit, "begun with share 1.0 and not 0.5; delete it"):
            self.run_line(share=0.5)


if __name__ == "__main__":
    unittest.main()
