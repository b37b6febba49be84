"""How even the mix of training data is, against counts and NumPy's correlation."""

import unittest

import numpy as np

from training.captions import CaptionSampler, Language, even_shares
from training.mix import Evenness, association, meant

LIST = {"2": "{0}, {1}"}


def language(meaning: dict[str, tuple[int, ...]]) -> Language:
    """Two concepts, `a` and `b`, and keywords with what they mean."""
    keywords = {c: [word for word, concepts in meaning.items() if c in concepts] for c in range(2)}
    shares = {c: even_shares([len(meaning[word]) for word in words]) for c, words in keywords.items()}
    names = {0: "a", 1: "b"}
    return Language(names, keywords, shares, [], meaning | {"a": (0,), "b": (1,)}, [], LIST, [])


def sampler(of: Language) -> CaptionSampler:
    made = CaptionSampler.__new__(CaptionSampler)
    made.rng, made.concepts, made.languages = np.random.default_rng(3), 2, [of]
    return made


class Mix(unittest.TestCase):
    def test_a_keyword_is_drawn_the_less_often_the_more_it_means(self):
        np.testing.assert_allclose(even_shares([1, 2, 4]), np.array([4, 2, 1]) / 7)
        drawn = sampler(language({"own": (0,), "shared": (0, 1)}))
        words = [drawn.word(drawn.languages[0], 0)[0] for _ in range(20_000)]
        # 40 % are keywords, of which a third is the one of both concepts.
        self.assertAlmostEqual(words.count("shared") / len(words), 0.4 / 3, delta=0.01)
        self.assertAlmostEqual(words.count("own") / len(words), 0.8 / 3, delta=0.01)

    def test_what_captions_mean_is_counted_with_all_their_concepts(self):
        # Every keyword of either concept means both.
        counts = meant(sampler(language({"both": (0, 1)})), 20_000)
        np.testing.assert_allclose(counts / 20_000, [0.7, 0.7], atol=0.01)  # 0.5 + 0.4 * 0.5
        even = Evenness.of(np.array([1.0, 2.0, 3.0]))
        self.assertEqual((even.least, even.most), (0.5, 1.5))

    def test_association_is_the_largest_correlation_of_indicators(self):
        rng = np.random.default_rng(5)
        joint = rng.random((4, 3))
        joint /= joint.sum()
        drawn = rng.choice(joint.size, 200_000, p=joint.ravel())
        rows, columns = np.divmod(drawn, 3)
        pairs = [np.corrcoef(rows == r, columns == c)[0, 1] for r in range(4) for c in range(3)]
        self.assertAlmostEqual(association(joint), max(map(abs, pairs)), delta=0.01)
        self.assertAlmostEqual(association(np.outer([0.2, 0.8], [0.5, 0.3, 0.2])), 0, places=12)
        self.assertEqual(association(np.array([[0.5, 0.0], [0.5, 0.0]])), 0, "a style that is never drawn")


if __name__ == "__main__":
    unittest.main()
