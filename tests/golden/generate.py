"""Writes small SigLIP and SigLIP 2 checkpoints with random weights, and what `transformers`
computes with them.

    python -m venv .venv && .venv/bin/pip install -r tests/golden/requirements.txt
    .venv/bin/python tests/golden/generate.py

Every case is a directory as `save_pretrained` writes it (config.json, model.safetensors or shards)
plus golden.safetensors with the inputs, every named stage of the forward pass and the logits.
demo.safetensors and demo-naflex.safetensors hold what the bundled models give for some images and
texts.
`encoder/tests/parity/` compares them. Arguments: the cases to write (default: all, `demo` and
`demo-naflex`).
"""

import dataclasses
import hashlib
import itertools
import json
import pathlib
import shutil
import sys

import torch
import transformers
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, Siglip2Config, Siglip2Model, Siglip2VisionModel, SiglipConfig, SiglipModel
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

SEED = 20250220
HERE = pathlib.Path(__file__).resolve().parent
DEMO = HERE.parents[1] / "models" / "demo"
VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__, "seed": str(SEED)}


@dataclasses.dataclass(frozen=True)
class Case:
    """One architecture in small. `grids` are (rows, columns) of patches; None: the fixed grid, two
    images.
    """

    name: str
    heads: int
    head_width: int
    mlp: int
    layers: int = 2
    patch: int = 16
    image: int = 64
    text_width: int | None = None
    text_layers: int = 2
    dtype: torch.dtype = torch.float32
    shard_size: str = "5GB"
    activation: str = "gelu_pytorch_tanh"
    grids: tuple[tuple[int, int], ...] | None = None
    padded_to: int = 0
    fg_clip: bool = False

    @property
    def width(self) -> int:
        return self.heads * self.head_width


CASES = [
    Case("fixed16", heads=4, head_width=16, mlp=96),
    # 46 = 3 * 14 + 4: four rows and columns of pixels belong to no patch.
    Case("fixed14-border", heads=4, head_width=16, mlp=96, patch=14, image=46, dtype=torch.bfloat16),
    # Text narrower than images: its head projects to their width.
    Case("giant-projection", heads=2, head_width=64, mlp=96, text_width=48, dtype=torch.float16),
    Case("head72-sharded", heads=2, head_width=72, mlp=104, layers=1, text_layers=1, dtype=torch.bfloat16,
         shard_size="300KB"),
    Case("head96", heads=2, head_width=96, mlp=64, layers=1, text_width=48, text_layers=1, image=48,
         dtype=torch.float16),
    Case("gelu-erf", heads=2, head_width=16, mlp=48, layers=1, text_layers=1, image=32, activation="gelu"),
    # Landscape, portrait, a single patch, sides beyond the 16 of the position grid, and padding
    # behind all of them.
    Case("naflex", heads=4, head_width=16, mlp=96, dtype=torch.float16, grids=((4, 7), (8, 3), (1, 1), (2, 20), (18, 2)),
         padded_to=64),
    Case("naflex-head72", heads=2, head_width=72, mlp=104, layers=1, text_width=48, text_layers=1, dtype=torch.bfloat16,
         grids=((5, 6), (3, 10)), padded_to=30),
    # SigLIP 2 under another name, with heads and position tables of its own beside it.
    Case("fg-clip2", heads=2, head_width=24, mlp=64, layers=1, text_layers=1, dtype=torch.bfloat16,
         grids=((3, 4), (2, 5)), padded_to=12, fg_clip=True),
]
VOCAB, LENGTH = 96, 16


def build(case: Case):
    """A model of this architecture."""
    def tower(width, heads, layers):
        return dict(hidden_size=width, intermediate_size=case.mlp, num_hidden_layers=layers, num_attention_heads=heads,
                    hidden_act=case.activation)

    text_width = case.text_width or case.width
    text = dict(tower(text_width, 2 if case.text_width else case.heads, case.text_layers), vocab_size=VOCAB,
                max_position_embeddings=LENGTH)
    if case.text_width:
        text["projection_size"] = case.width
    vision = dict(tower(case.width, case.heads, case.layers), patch_size=case.patch)
    if case.grids:
        config, model_class = Siglip2Config(text_config=text, vision_config=vision), Siglip2Model
    else:
        vision["image_size"] = case.image
        config, model_class = SiglipConfig(text_config=text, vision_config=vision), SiglipModel
    return model_class(config)


def strip_defaults(path: pathlib.Path, config):
    """Leaves in config.json what differs from the class defaults, as in the published checkpoints."""
    fields = json.loads(path.read_text())
    for tower in ("text_config", "vision_config"):
        defaults = type(getattr(config, tower))().to_dict()
        keep = lambda key, value: key == "model_type" or defaults.get(key) != value
        fields[tower] = {key: value for key, value in fields[tower].items() if keep(key, value)}
        if fields[tower].get("projection_size") == fields[tower].get("hidden_size"):
            fields[tower].pop("projection_size", None)
    path.write_text(json.dumps(fields, indent=2) + "\n")


@torch.no_grad()
def randomise(model, generator):
    """Weights large enough that an error anywhere shows: the usual initialisation leaves biases 0
    and norms 1.
    """
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name == "logit_scale":
            parameter.fill_(2.5)
        elif name == "logit_bias":
            parameter.fill_(-3.25)
        elif "norm" in name:
            parameter.copy_(1 + 0.3 * noise if name.endswith("weight") else 0.3 * noise)
        elif "embedding.weight" in name and "patch" not in name or name.endswith("probe"):
            parameter.copy_(noise)
        elif parameter.ndim == 1:
            parameter.copy_(0.3 * noise)
        else:
            parameter.copy_(noise * 1.3 / parameter[0].numel() ** 0.5)


def draw_images(case: Case, generator):
    """8-bit pixels, half noise and half gradient, so that neighbouring patches differ and resemble
    each other.
    """
    sides = [(r * case.patch, c * case.patch) for r, c in case.grids] if case.grids else [(case.image, case.image)] * 2
    result = []
    for height, width in sides:
        noise = torch.randint(0, 128, (height, width, 3), generator=generator)
        ramp = torch.arange(height)[:, None, None] + 2 * torch.arange(width)[None, :, None]
        result.append((noise + ramp % 128).to(torch.uint8))
    return result


def pixel_inputs(case: Case, images):
    """What the reference processor makes of pixels that already have the right size."""
    scaled = [(image.float() * (1 / 255) - 0.5) / 0.5 for image in images]
    if not case.grids:
        return {"pixel_values": torch.stack([image.permute(2, 0, 1) for image in scaled])}
    p = case.patch
    values = torch.zeros(len(images), case.padded_to, 3 * p * p)
    mask = torch.zeros(len(images), case.padded_to, dtype=torch.int32)
    for i, (image, (rows, cols)) in enumerate(zip(scaled, case.grids)):
        patches = image.reshape(rows, p, cols, p, 3).permute(0, 2, 1, 3, 4).reshape(rows * cols, -1)
        values[i, : rows * cols] = patches
        mask[i, : rows * cols] = 1
    return {"pixel_values": values, "pixel_attention_mask": mask, "spatial_shapes": torch.tensor(case.grids)}


def record_stages(model):
    """Hooks that keep the output of each stage under the name that the Rust towers give it."""
    stages = {}

    def keep(name, module, pick=lambda output: output):
        def hook(_module, _inputs, output):
            stages[name] = pick(output).detach().float().contiguous()
        module.register_forward_hook(hook)

    vision, text = model.vision_model, model.text_model
    tokens = lambda output: output.flatten(2).transpose(1, 2) if output.ndim == 4 else output
    keep("vision.patch_embed", vision.embeddings.patch_embedding, tokens)
    keep("vision.embeddings", vision.embeddings)
    for tower, name in ((vision, "vision"), (text, "text")):
        for i, layer in enumerate(tower.encoder.layers):
            keep(f"{name}.block{i:02}", layer, lambda output: output[0] if isinstance(output, tuple) else output)
    keep("vision.post_norm", vision.post_layernorm)
    keep("vision.map_attention", vision.head.attention, lambda output: output[0][:, 0])
    keep("vision.pooled", vision.head)
    keep("text.embeddings", text.embeddings)
    keep("text.last_token", text.final_layer_norm, lambda output: output[:, -1])
    keep("text.pooled", text.head)
    return stages


def aligned(head, tokens):
    """Each token through the value path of the attention-pooling head, with its MLP residual."""
    width = tokens.shape[-1]
    weight, bias = head.attention.in_proj_weight[2 * width:], head.attention.in_proj_bias[2 * width:]
    out = head.attention.out_proj(torch.nn.functional.linear(tokens, weight, bias))
    return out + head.mlp(head.layernorm(out))


def demo_images(root: pathlib.Path) -> list[pathlib.Path]:
    """Fifty images that every decoder reads alike, and some JPEGs, which decoders read with a grey
    level's difference.
    """
    scenes = [scene for scene in json.loads((root / "library.json").read_text()) if "concepts" in scene]
    of = {suffix: [scene["path"] for scene in scenes if scene["path"].endswith(suffix)] for suffix in ("png", "webp", "jpg")}
    return [root / "library" / path for path in (of["png"] + of["webp"])[:50] + of["jpg"][::30][:10]]


def opened(path: pathlib.Path) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unit(embeddings: torch.Tensor) -> torch.Tensor:
    return embeddings / embeddings.norm(dim=-1, keepdim=True)


@torch.no_grad()
def write_demo():
    """The bundled model from end to end: image files and texts of many scripts to embeddings."""
    root = DEMO
    model = SiglipModel.from_pretrained(root, dtype=torch.float32, attn_implementation="eager").eval()
    scenes = [scene for scene in json.loads((root / "library.json").read_text()) if "concepts" in scene]
    paths = demo_images(root)
    texts = ["", "A Photo of TWO Dogs!", "one word after another " * 40]
    texts += [query["text"] for query in json.loads((root / "queries.json").read_text())]
    # Emoji, and longer texts of mixed scripts.
    texts += list(dict.fromkeys(scene["concepts"][0] for scene in scenes))[:20]
    pairs = itertools.combinations(texts[3:], 2)
    texts += [f"{first}, {second}" for first, second in itertools.islice(pairs, 0, None, 3)][: 200 - len(texts)]
    processor = SiglipImageProcessorPil.from_pretrained(root)
    pixels = [processor(opened(path), return_tensors="pt").pixel_values for path in paths]
    tokenizer = AutoTokenizer.from_pretrained(root)
    length = model.config.text_config.max_position_embeddings
    lower = [text.lower() for text in texts]
    ids = tokenizer(lower, padding="max_length", truncation=True, max_length=length, return_tensors="pt").input_ids
    tensors = {
        "pictures": unit(model.get_image_features(torch.cat(pixels)).pooler_output),
        "texts": unit(model.get_text_features(ids).pooler_output),
        "ids": ids.to(torch.int32),
    }
    record = {
        "paths": json.dumps([str(path.relative_to(root)) for path in paths]),
        "texts": json.dumps(texts),
        "weights": digest(root / "model.safetensors"),
    }
    save_file(tensors, HERE / "demo.safetensors", record | VERSIONS)
    print(f"demo: {len(paths)} images, {len(texts)} texts")


@torch.no_grad()
def write_demo_naflex():
    """Images in their own shape through the vision tower of the bundled NaFlex model."""
    root = DEMO.with_name("demo-naflex")
    config = Siglip2Config.from_pretrained(root).vision_config
    config._attn_implementation = "eager"
    model = Siglip2VisionModel(config).eval()
    weights = {name: value.float() for name, value in load_file(root / "vision.safetensors").items()}
    own = model.state_dict().keys()
    model.load_state_dict({name if name in own else name.removeprefix("vision_model."): value for name, value in weights.items()})
    processor = Siglip2ImageProcessorPil.from_pretrained(root)
    paths = demo_images(DEMO)
    inputs = [processor(opened(path), return_tensors="pt") for path in paths]
    pictures = [model(one.pixel_values, one.pixel_attention_mask, one.spatial_shapes).pooler_output for one in inputs]
    grids = {tuple(one.spatial_shapes[0].tolist()) for one in inputs}
    record = {
        "paths": json.dumps([str(path.relative_to(DEMO)) for path in paths]),
        "weights": digest(root / "vision.safetensors"),
    }
    save_file({"pictures": unit(torch.cat(pictures))}, HERE / "demo-naflex.safetensors", record | VERSIONS)
    print(f"demo-naflex: {len(paths)} images of {len(grids)} grids")


@torch.no_grad()
def rename_as_fg_clip(directory: pathlib.Path, case: Case, generator):
    """Turns a checkpoint of SigLIP 2 into one of FG-CLIP 2 (arXiv 2510.10921): what it adds are tables
    of positions for long texts, and heads for these, for parts of images and for their texts.
    Short texts and whole images go through the towers as ever.
    """
    long_length = 4 * LENGTH - 3 * 4
    tensors = load_file(directory / "model.safetensors")
    noise = lambda *shape: torch.randn(shape, generator=generator).to(case.dtype)
    for table in ("ori", "res"):
        tensors[f"text_model.embeddings.position_embedding_{table}.weight"] = noise(long_length, case.width)
    for head in ("longtext_head", "boxtext_head"):
        tensors |= {f"{head}.weight": noise(case.width, case.width), f"{head}.bias": noise(case.width)}
    pooling = {name: t for name, t in tensors.items() if name.startswith("vision_model.head.")}
    for name, tensor in pooling.items():
        tensors[name.replace("vision_model.head", "dense_feature_head")] = noise(*tensor.shape)
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})
    text = (directory / "config.json").read_text().replace("siglip2", "fgclip2").replace("Siglip2", "Fgclip2")
    fields = json.loads(text)
    fields["text_config"] |= {"keep_len": 4, "longtext_len": long_length}
    (directory / "config.json").write_text(json.dumps(fields, indent=2) + "\n")


@torch.no_grad()
def write(case: Case):
    generator = torch.Generator().manual_seed(SEED)
    directory = HERE / case.name
    shutil.rmtree(directory, ignore_errors=True)
    model = build(case)
    randomise(model, generator)
    model.to(case.dtype).save_pretrained(directory, max_shard_size=case.shard_size)
    strip_defaults(directory / "config.json", model.config)

    model = type(model).from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    images = draw_images(case, generator)
    # One text that fills the row, one that is mostly padding.
    ids = torch.randint(2, VOCAB, (3, LENGTH), generator=generator)
    ids[1, 4:], ids[1, 3], ids[2, :] = 0, 1, 0
    stages = record_stages(model)
    output = model(input_ids=ids, **pixel_inputs(case, images))
    stages["vision.aligned"] = aligned(model.vision_model.head, stages["vision.post_norm"])
    stages["logits_per_image"] = output.logits_per_image
    for i, image in enumerate(images):
        stages[f"input.pixels.{i}"] = image
    stages["input.ids"] = ids.to(torch.int32)
    grid = case.image // case.patch
    stages["input.grids"] = torch.tensor(case.grids or [(grid, grid)] * len(images), dtype=torch.int32)
    save_file({name: t.contiguous() for name, t in stages.items()}, directory / "golden.safetensors", VERSIONS)
    if case.fg_clip:
        rename_as_fg_clip(directory, case, generator)
    size = sum(file.stat().st_size for file in directory.iterdir())
    print(f"{case.name:18} {size / 1e6:6.2f} MB  logits {output.logits_per_image.flatten()[:3].tolist()}")


if __name__ == "__main__":
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or [case.name for case in CASES] + ["demo", "demo-naflex"]
    for case in CASES:
        if case.name in wanted:
            write(case)
    if "demo" in wanted:
        write_demo()
    if "demo-naflex" in wanted:
        write_demo_naflex()
