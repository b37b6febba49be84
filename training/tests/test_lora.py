"""Low-rank adaptation against its definition in NumPy, and against peft."""

import sys
import unittest

import numpy as np
import torch
from transformers import AutoModel

from training.lora import PREFIX, LoraSettings, adapt, choose, load_adapter, merged, save_adapter
from training.tests.tiny import SIDE, InFolder, write_tiny

try:
    import peft
except ImportError:
    peft = None
    print("SKIPPED: parity with peft, which is not installed (pip install peft)", file=sys.stderr)

TARGETS = ("q_proj", "v_proj", "fc1")


def load(folder):
    return AutoModel.from_pretrained(folder, dtype=torch.float32).eval()


def vectors(model) -> torch.Tensor:
    """Vectors of the same texts and images by any model."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(3, 60, (3, 16), generator=generator)
    pixels = torch.randn(3, 3, SIDE, SIDE, generator=generator)
    with torch.no_grad():
        return torch.cat([model.text_model(input_ids=ids).pooler_output, model.vision_model(pixels).pooler_output])


def scatter(trained: dict) -> None:
    """Moves every trained parameter, so that B is not zero."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name in sorted(trained):
            trained[name] += 0.1 * torch.randn(trained[name].shape, generator=generator)


class WithModel(InFolder):
    def setUp(self):
        super().setUp()
        self.base = write_tiny(self.folder / "base")
        self.model = load(self.base)
        modules = choose(self.model, TARGETS, 1, "both", head=True)
        self.settings = LoraSettings(4, 6.0, modules, biases=True)


class Lora(WithModel):
    def test_targets_are_those_of_the_last_blocks_and_the_pooling_head(self):
        modules = choose(self.model, ("q_proj",), 1, "both", head=True)
        head = [f"vision_model.head.{name}" for name in ("attention", "mlp.fc1", "mlp.fc2")]
        blocks = [f"{tower}_model.encoder.layers.1.self_attn.q_proj" for tower in ("text", "vision")]
        self.assertEqual(sorted(modules), sorted(head + blocks))
        self.assertEqual(choose(self.model, ("q_proj",), None, "text", head=True), tuple(
            f"text_model.encoder.layers.{i}.self_attn.q_proj" for i in range(2)
        ))

    def test_training_starts_at_the_frozen_model(self):
        before = vectors(self.model)
        trained = adapt(self.model, self.settings)
        torch.testing.assert_close(vectors(self.model), before, atol=1e-6, rtol=1e-6)
        grown = {name for name, parameter in self.model.named_parameters() if parameter.requires_grad}
        self.assertEqual(len(grown), len(trained))

    def test_merged_weight_is_w_plus_scaled_b_a(self):
        name = "text_model.encoder.layers.1.self_attn.q_proj"
        before = self.model.get_parameter(f"{name}.weight").detach().numpy().copy()
        trained = adapt(self.model, self.settings)
        scatter(trained)
        a, b = (trained[f"{PREFIX}{name}.lora_{part}.weight"].detach().numpy() for part in "AB")
        expected = before + 6.0 / 4 * np.einsum("or,ri->oi", b, a)
        np.testing.assert_allclose(merged(self.model, self.settings)[f"{name}.weight"].numpy(), expected, atol=1e-6)

    def test_merged_tensors_give_the_adapted_vectors(self):
        before = vectors(self.model)
        scatter(adapt(self.model, self.settings))
        adapted = vectors(self.model)
        self.assertGreater((adapted - before).abs().max().item(), 0.01)
        plain = load(self.base)
        names = set(plain.state_dict())
        changed = merged(self.model, self.settings)
        self.assertLessEqual(set(changed), names)
        plain.load_state_dict(changed, strict=False)
        torch.testing.assert_close(vectors(plain), adapted, atol=1e-5, rtol=1e-5)

    def test_a_stored_adapter_gives_the_same_vectors(self):
        trained = adapt(self.model, self.settings)
        scatter(trained)
        save_adapter(self.folder / "adapter", trained, self.settings, self.model, "base")
        other = load(self.base)
        self.assertEqual(load_adapter(self.folder / "adapter", other), self.settings)
        self.assertTrue(torch.equal(vectors(other), vectors(self.model)))

    def test_an_adapter_of_another_model_is_refused(self):
        save_adapter(self.folder / "adapter", adapt(self.model, self.settings), self.settings, self.model, "base")
        path = self.folder / "adapter" / "adapter_config.json"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("text_model.encoder.layers.1", "text_model.encoder.layers.9"), encoding="utf-8")
        with self.assertRaisesRegex(SystemExit, "adapter.*layers.9"):
            load_adapter(self.folder / "adapter", load(self.base))


@unittest.skipIf(peft is None, "peft is not installed")
class Parity(WithModel):
    def test_peft_reads_our_adapter(self):
        trained = adapt(self.model, self.settings)
        scatter(trained)
        save_adapter(self.folder / "adapter", trained, self.settings, self.model, "base")
        theirs = peft.PeftModel.from_pretrained(load(self.base), str(self.folder / "adapter"))
        torch.testing.assert_close(vectors(theirs.base_model.model), vectors(self.model), atol=1e-5, rtol=1e-5)
        whole = theirs.merge_and_unload()
        torch.testing.assert_close(vectors(whole), vectors(self.model), atol=1e-5, rtol=1e-5)

    def test_we_read_an_adapter_of_peft(self):
        config = peft.LoraConfig(r=4, lora_alpha=6, target_modules=list(self.settings.modules), bias="all")
        theirs = peft.get_peft_model(load(self.base), config)
        trained = {name: p for name, p in theirs.named_parameters() if p.requires_grad and "logit" not in name}
        last_layer = ".out_proj.lora"  # of the pooling head's attention: see `last_layer_of_attention`
        scatter({name: p for name, p in trained.items() if last_layer not in name and "in_proj" not in name})
        theirs.save_pretrained(str(self.folder / "theirs"))
        load_adapter(self.folder / "theirs", self.model)
        torch.testing.assert_close(vectors(self.model), vectors(theirs.base_model.model), atol=1e-5, rtol=1e-5)

    def test_what_peft_counts_twice_is_refused(self):
        config = peft.LoraConfig(r=4, lora_alpha=6, target_modules=list(self.settings.modules))
        theirs = peft.get_peft_model(load(self.base), config)
        scatter({name: p for name, p in theirs.named_parameters() if p.requires_grad})
        theirs.save_pretrained(str(self.folder / "theirs"))
        with self.assertRaisesRegex(SystemExit, "out_proj.*not adapted here"):
            load_adapter(self.folder / "theirs", self.model)


if __name__ == "__main__":
    unittest.main()
