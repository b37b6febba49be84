"""The ablation's table against figures done by hand, and a run that goes on."""

import argparse
import json
import unittest
import unittest.mock
from pathlib import Path

import numpy as np

from training import ablation, measures
from training.tests.tiny import InFolder


class Interval(unittest.TestCase):
    def test_is_students_t(self):
        mean, half = measures.interval([0.1, 0.2, 0.6])
        self.assertAlmostEqual(mean, 0.3)
        deviation = np.sqrt((0.04 + 0.01 + 0.09) / 2)
        self.assertAlmostEqual(half, 4.303 * deviation / np.sqrt(3), places=6)

    def test_one_value_has_none(self):
        mean, half = measures.interval([0.5])
        self.assertEqual(mean, 0.5)
        self.assertTrue(np.isnan(half))


def figures(shift: float) -> dict[str, float]:
    return {key: 0.5 + shift for key in ablation.FIGURES}


class Ablation(InFolder):
    def test_arms_are_known_and_off_comes_first(self):
        self.assertEqual(ablation.arms("masked,silc"), ["off", "masked", "silc"])
        self.assertEqual(ablation.arms("off"), ["off"])
        with self.assertRaises(argparse.ArgumentTypeError):
            ablation.arms("silc,other")

    def test_arms_are_compared_seed_by_seed(self):
        rows = {"off": [figures(0.0), figures(0.2)], "silc": [figures(0.01), figures(0.21)]}
        table = ablation.table(figures(-0.1), rows).splitlines()
        self.assertEqual(table[0], "| | start | off | silc |")
        self.assertEqual(len(table), 2 + len(ablation.FIGURES))
        # Both seeds gain the same, so that there is no doubt about the gain, whatever seeds differ by.
        self.assertTrue(table[2].startswith("| R@1, one thing | 0.400 | 0.600 ± 1.271 | +0.010 ± 0.000 |"), table[2])

    def test_a_run_goes_on_where_it_was(self):
        asked = []

        def trained(folder: Path, name: str, seed: int, options) -> Path:
            asked.append((name, seed))
            return folder / f"{name}-{seed}"

        def ask(program, model, *arguments):
            shift = 0.1 if model.name.startswith("silc") else 0.0
            if arguments[0] == "retrieval":
                return [{"language": "mean", "text_to_image": [0.5 + shift, 0.7, 0.9]}]
            if arguments[0] == "segment":
                return {"ours": {"mean_iou": 0.5 + shift}}
            return {"all": {"pointing": 0.5 + shift, "acc_at_05_fine": 0.6 + shift}, "presence_auroc": 0.5 + shift}

        options = ablation.parser().parse_args(
            [str(self.folder / "run"), "--galleries", "g", "--masks", "m", "--arms", "silc", "--seeds", "2"]
        )
        with unittest.mock.patch.object(ablation, "trained", trained):
            with unittest.mock.patch.object(ablation, "ask", ask):
                table = ablation.ablation(options)
            self.assertEqual(asked, [("off", 0), ("silc", 0), ("off", 1), ("silc", 1)])
            self.assertIn("| +0.100 ± 0.000 |", table)
            kept = json.loads((self.folder / "run" / "silc-1.json").read_text())
            self.assertEqual(set(kept), set(ablation.FIGURES))
            # What was measured is not measured again.
            with unittest.mock.patch.object(ablation, "ask", side_effect=AssertionError):
                self.assertEqual(ablation.ablation(options), table)
            # One figure is lacking: only that is measured.
            (self.folder / "run" / "silc-1.json").write_text(json.dumps(kept | {"auroc": None}).replace(', "auroc": null', ""))
            with unittest.mock.patch.object(ablation, "ask", side_effect=ask) as again:
                self.assertEqual(ablation.ablation(options), table)
            self.assertEqual([call.args[2] for call in again.call_args_list], ["regions"])
            # Nothing of other settings is mixed in.
            options.minutes = 1.0
            with self.assertRaisesRegex(SystemExit, "was begun with another minutes"):
                ablation.ablation(options)


if __name__ == "__main__":
    unittest.main()
