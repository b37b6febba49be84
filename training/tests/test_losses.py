"""Losses against their definitions in NumPy, pair by pair."""

import unittest

import numpy as np
import torch

from training.losses import anchor_loss, sigmoid_loss


def unit(rng: np.random.Generator, rows: int) -> np.ndarray:
    vectors = rng.normal(size=(rows, 8))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Losses(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(3)
        self.texts, self.images = unit(rng, 5), unit(rng, 7)
        self.positive = rng.random((5, 7)) < 0.3

    def by_definition(self, log_scale: float, bias: float) -> float:
        total = 0.0
        for t, text in enumerate(self.texts):
            for i, image in enumerate(self.images):
                logit = np.exp(log_scale) * float(text @ image) + bias
                sign = 1 if self.positive[t, i] else -1
                total += np.log1p(np.exp(-sign * logit))
        return total / len(self.images)

    def test_sigmoid_loss_is_the_sum_over_all_pairs(self):
        parts = (torch.from_numpy(part) for part in (self.texts, self.images, self.positive))
        scale, bias = torch.tensor(2.3, dtype=torch.double), torch.tensor(-4.0, dtype=torch.double)
        loss, logits = sigmoid_loss(*parts, scale, bias)
        self.assertAlmostEqual(loss.item(), self.by_definition(2.3, -4.0), places=10)
        self.assertAlmostEqual(logits[1, 2].item(), np.exp(2.3) * self.texts[1] @ self.images[2] - 4, places=10)

    def test_gradient_of_the_bias_is_the_mean_of_what_is_wrong(self):
        scale = torch.tensor(1.0, dtype=torch.double)
        bias = torch.tensor(-1.0, dtype=torch.double, requires_grad=True)
        parts = (torch.from_numpy(part) for part in (self.texts, self.images, self.positive))
        sigmoid_loss(*parts, scale, bias)[0].backward()
        step = 1e-6
        slope = (self.by_definition(1.0, -1 + step) - self.by_definition(1.0, -1 - step)) / (2 * step)
        self.assertAlmostEqual(bias.grad.item(), slope, places=7)

    def test_anchor_loss_is_the_mean_distance(self):
        moved, frozen = self.images[:5], self.texts
        expected = np.mean([1 - float(a @ b) for a, b in zip(moved, frozen, strict=True)])
        found = anchor_loss(torch.from_numpy(moved), torch.from_numpy(frozen)).item()
        self.assertAlmostEqual(found, expected, places=10)
        self.assertAlmostEqual(anchor_loss(torch.from_numpy(frozen), torch.from_numpy(frozen)).item(), 0, places=10)


if __name__ == "__main__":
    unittest.main()
