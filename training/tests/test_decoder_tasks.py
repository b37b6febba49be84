"""The decoder's tasks as a loss of the towers: parallel prediction, and where gradients go."""

import unittest
import unittest.mock

import torch

from training.decoder import Sequence, hide_words, pack, tasks_loss
from training.decoder_model import AREF, CAP, COORDINATES, EOS, LANGUAGE, START, Decoder, DecoderConfig
from training.model import build_model, encode_patches, patch_vectors, window_positions
from training.settings import GRID, IMAGE, WIDTH

CONFIG = DecoderConfig(
    vision_size=WIDTH, hidden_size=48, intermediate_size=64, num_attention_heads=3, num_hidden_layers=2, length=12,
    languages=("en",), pieces=tuple(range(20)),
)
FIRST = LANGUAGE + 1 + COORDINATES  # the first piece


def caption(*pieces: int) -> Sequence:
    return Sequence([CAP, LANGUAGE, *(FIRST + piece for piece in pieces), EOS])


class Tasks(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(3)
        self.decoder = Decoder(CONFIG)
        torch.nn.init.normal_(self.decoder.output.weight, std=0.1)
        self.towers = build_model()
        pixels = torch.rand(2, 3, IMAGE, IMAGE) * 2 - 1
        self.tokens = encode_patches(self.towers, pixels, window_positions(0, 0, GRID, GRID))[-1]
        self.aligned = patch_vectors(self.towers, self.tokens)

    def scores(self, sequence: Sequence, parallel: bool) -> torch.Tensor:
        inputs, _ = pack([sequence.ids])
        seen = self.decoder.look(self.tokens[:1], self.aligned[:1], GRID, GRID)
        states = self.decoder.states(hide_words(inputs) if parallel else inputs, seen, causal=not parallel)
        return self.decoder.output(states)[0]

    def test_words_are_hidden_and_what_to_do_is_not(self):
        inputs, _ = pack([caption(4, 5, 6).ids])
        self.assertEqual(inputs.tolist(), [[START, CAP, LANGUAGE, FIRST + 4, FIRST + 5, FIRST + 6]])
        self.assertEqual(hide_words(inputs).tolist(), [[START, CAP, LANGUAGE, START, START, START]])

    def test_in_parallel_no_word_depends_on_another(self):
        with torch.no_grad():
            one, other = caption(4, 5, 6), caption(9, 5, 6)
            torch.testing.assert_close(self.scores(one, True), self.scores(other, True))
            self.assertGreater((self.scores(one, False)[4:] - self.scores(other, False)[4:]).abs().max(), 1e-3)
            # Before the word that differs, the causal scores are the same.
            torch.testing.assert_close(self.scores(one, False)[:3], self.scores(other, False)[:3])

    def test_the_loss_is_the_mean_cross_entropy_of_the_words(self):
        sequence = caption(4, 5)
        for parallel in (False, True):
            with torch.no_grad():
                total, metrics = tasks_loss(self.decoder, self.towers, self.tokens, self.aligned, [(0, sequence)], parallel)
                log = self.scores(sequence, parallel).log_softmax(-1)
            wanted = [FIRST + 4, FIRST + 5, EOS]
            expected = -sum(log[2 + place, word].item() for place, word in enumerate(wanted)) / 3
            self.assertAlmostEqual(total.item(), expected, places=4)
            self.assertEqual(list(metrics), ["parallel_words" if parallel else "cap_words"])

    def test_the_image_tower_learns_from_it_and_the_text_tower_does_not(self):
        first = CONFIG.first_coordinate
        box = Sequence([AREF, first + 10, first + 90, first + 60, first + 20, EOS], text="dog")
        texts = torch.rand(1, WIDTH)
        with unittest.mock.patch("training.decoder.encode_text", return_value=texts):
            with unittest.mock.patch("training.decoder.encode"):
                total, _ = tasks_loss(self.decoder, self.towers, self.tokens, self.aligned, [(0, caption(4)), (1, box)])
        total.backward()
        gradients = {name: parameter.grad is not None for name, parameter in self.towers.named_parameters()}
        self.assertTrue(any(has for name, has in gradients.items() if name.startswith("vision_model.encoder")))
        self.assertFalse(any(has for name, has in gradients.items() if name.startswith("text_model.")))


if __name__ == "__main__":
    unittest.main()
