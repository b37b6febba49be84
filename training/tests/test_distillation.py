"""Self-distillation and masked prediction against their definitions in NumPy."""

import unittest

import numpy as np
import torch
from torch import nn

from training import distillation
from training.model import build_model, encode_patches, window_positions
from training.self_distillation import SelfDistillation
from training.settings import GRID, IMAGE, PATCH


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


class Distillation(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(4)

    def scores(self, *shape: int) -> np.ndarray:
        return self.rng.normal(size=shape) * 0.3

    def test_local_to_global_is_the_mean_cross_entropy(self):
        student, teacher, centre = self.scores(8, 3, 5), self.scores(3, 5), self.scores(5)
        expected = 0.0
        for view in student:
            for local, whole in zip(view, teacher, strict=True):
                wanted, said = softmax((whole - centre) / 0.04), softmax(local / 0.1)
                expected -= float((wanted * np.log(said)).sum()) / 24
        wanted = distillation.targets(torch.from_numpy(teacher), torch.from_numpy(centre))
        found = distillation.local_to_global(torch.from_numpy(student), wanted)
        self.assertAlmostEqual(found.item(), expected, places=8)

    def test_masked_prediction_counts_masked_patches_alone(self):
        student, teacher = self.scores(2, 6, 5), self.scores(2, 6, 5)
        masked = np.array([[1, 0, 0, 1, 1, 0], [0, 0, 1, 0, 0, 0]], bool)
        losses = [
            -float((softmax(teacher[b, n] / 0.04) * np.log(softmax(student[b, n] / 0.1))).sum())
            for b, n in zip(*np.nonzero(masked), strict=True)
        ]
        wanted = distillation.targets(torch.from_numpy(teacher), torch.zeros(5))
        found = distillation.masked_prediction(torch.from_numpy(student), wanted, torch.from_numpy(masked))
        self.assertEqual(len(losses), 4)
        self.assertAlmostEqual(found.item(), np.mean(losses), places=8)

    def test_the_teacher_gets_no_gradient(self):
        teacher = torch.from_numpy(self.scores(3, 5)).requires_grad_()
        student = torch.from_numpy(self.scores(2, 3, 5)).requires_grad_()
        distillation.local_to_global(student, distillation.targets(teacher, torch.zeros(5))).backward()
        self.assertIsNone(teacher.grad)
        self.assertGreater(student.grad.abs().max().item(), 0)

    def test_the_teacher_follows_by_its_momentum(self):
        student = nn.Linear(3, 2)
        teacher = distillation.teacher_of(student)
        before = student.weight.detach().numpy().copy()
        with torch.no_grad():
            student.weight += 1
        for _ in range(3):
            distillation.follow(teacher, student, momentum=0.9)
        np.testing.assert_allclose(teacher.weight.numpy(), before + 1 - 0.9**3, atol=1e-6)
        self.assertFalse(any(parameter.requires_grad for parameter in teacher.parameters()))

    def test_the_centre_is_a_running_mean(self):
        centre, scores = self.scores(5), self.scores(2, 3, 5)
        found = distillation.moved_centre(torch.from_numpy(centre), torch.from_numpy(scores), momentum=0.8)
        np.testing.assert_allclose(found.numpy(), 0.8 * centre + 0.2 * scores.reshape(6, 5).mean(0), atol=1e-9)

    def test_masks_hide_half_of_each_image(self):
        masked = distillation.draw_mask(4, 10, torch.Generator().manual_seed(1))
        self.assertEqual(masked.sum(1).tolist(), [5] * 4)
        self.assertGreater(len({tuple(row) for row in masked.tolist()}), 1)
        embedded, token = torch.randn(4, 10, 3), torch.full((3,), 7.0)
        hidden = distillation.hide(embedded, masked, token)
        self.assertTrue((hidden[masked] == 7).all())
        self.assertTrue(torch.equal(hidden[~masked], embedded[~masked]))

    def test_local_views_lie_in_the_grid_and_reach_its_ends(self):
        places = distillation.local_places(torch.Generator().manual_seed(2), grid=12, side=5, views=400)
        self.assertEqual(({row for row, _ in places}, {column for _, column in places}), (set(range(8)), set(range(8))))

    def test_prototypes_score_by_direction(self):
        head = distillation.Prototypes(6, 9, 12)
        scores = head(torch.randn(2, 4, 6))
        self.assertEqual(scores.shape, (2, 4, 9))
        self.assertLessEqual(scores.abs().max().item(), 1 + 1e-6)


class BesideTheJointStage(unittest.TestCase):
    """On the model of the demo, with random weights and two scenes of noise."""

    def setUp(self):
        torch.manual_seed(0)
        self.model = build_model()
        self.pixels = torch.randn(2, 3, IMAGE, IMAGE)

    def test_hidden_patches_are_not_seen(self):
        part = SelfDistillation(self.model, silc=0, masked=1)
        places = window_positions(0, 0, GRID, GRID)
        hidden = distillation.draw_mask(2, GRID * GRID, part.generator)
        changed = self.pixels.clone()
        blocks = hidden.view(2, 1, GRID, 1, GRID, 1).expand(2, 3, GRID, PATCH, GRID, PATCH).reshape(changed.shape)
        changed[blocks] = 3.0
        with torch.no_grad():
            first, second = (encode_patches(self.model, x, places, (hidden, part.mask_token))[-1] for x in (self.pixels, changed))
            plain = encode_patches(self.model, changed, places)[-1]
        self.assertTrue(torch.equal(first, second))
        self.assertGreater((plain - second).abs().max().item(), 0.1)

    def test_a_step_trains_the_student_and_the_teacher_follows(self):
        part = SelfDistillation(self.model, silc=1, masked=1)
        before = part.teacher.vision_model.post_layernorm.weight.clone()
        loss, metrics = part.loss(self.model, self.pixels)
        self.assertAlmostEqual(loss.item(), metrics["silc"] + 0.25 * metrics["masked"], places=4)
        loss.backward()
        for name, parameter in part.trained():
            self.assertGreater(parameter.grad.abs().max().item(), 0, name)
        self.assertIsNotNone(self.model.vision_model.head.probe.grad)
        self.assertFalse([name for name, p in part.teacher.named_parameters() if p.grad is not None])
        self.assertGreater(part.image_centre.abs().max().item(), 0)
        with torch.no_grad():
            self.model.vision_model.post_layernorm.weight += 1
        part.follow(self.model)
        moved = (part.teacher.vision_model.post_layernorm.weight - before).mean().item()
        self.assertAlmostEqual(moved, 1 - distillation.MOMENTUM, places=5)

    def test_each_loss_has_a_switch(self):
        _, metrics = SelfDistillation(self.model, silc=2, masked=0).loss(self.model, self.pixels)
        self.assertEqual(list(metrics), ["silc"])
        _, metrics = SelfDistillation(self.model, silc=0, masked=2).loss(self.model, self.pixels)
        self.assertEqual(list(metrics), ["masked"])


if __name__ == "__main__":
    unittest.main()
