"""Curation against its definition in NumPy: joint choice chunk by chunk, and the odds of a draw."""

import unittest

import numpy as np
import torch

from training.curation import choose, learnability


def by_definition(scores: np.ndarray, count: int, chunks: int) -> set[int]:
    """The likeliest choice: in each chunk, the best of what is left by its own score and those with
    all chosen before.
    """
    chosen: list[int] = []
    for chunk in range(chunks):
        size = count * (chunk + 1) // chunks - len(chosen)
        value = {}
        for i in set(range(len(scores))) - set(chosen):
            value[i] = scores[i, i] + sum(scores[i, k] + scores[k, i] for k in chosen)
        chosen += sorted(value, key=value.get, reverse=True)[:size]
    return set(chosen)


class Curation(unittest.TestCase):
    def test_learnability_is_what_the_teacher_does_better(self):
        learner, teacher = torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 2.0]])
        self.assertEqual(learnability(learner, teacher).tolist(), [[2.0, -1.0]])

    def test_chunks_are_chosen_by_what_is_chosen_already(self):
        rng = np.random.default_rng(5)
        for count, chunks in [(6, 1), (6, 3), (7, 4), (12, 4)]:
            scores = rng.normal(size=(12, 12)) * 1e4  # so far apart that chance has no say
            found = choose(torch.from_numpy(scores), count, torch.Generator().manual_seed(1), chunks)
            self.assertEqual(set(found.tolist()), by_definition(scores, count, chunks), (count, chunks))
            self.assertEqual(len(found), count)

    def test_the_odds_of_one_are_its_share_of_exp(self):
        scores = torch.diag(torch.tensor([0.0, 1.0, 2.0, -1.0]))
        generator, draws = torch.Generator().manual_seed(2), 4000
        counts = np.zeros(4)
        for _ in range(draws):
            counts[choose(scores, 1, generator, chunks=1).item()] += 1
        odds = np.exp([0.0, 1.0, 2.0, -1.0])
        np.testing.assert_allclose(counts / draws, odds / odds.sum(), atol=0.03)


if __name__ == "__main__":
    unittest.main()
