"""The model: transformers' SiglipModel, with forward passes for windows, whole images and patches."""

import torch
import torch.nn.functional as F
from torch import nn
from transformers import SiglipConfig, SiglipModel

from .distillation import hide
from .settings import (
    EOS,
    GRID,
    HEADS,
    IMAGE,
    MLP,
    PAD,
    PATCH,
    TEXT_LAYERS,
    TEXT_LENGTH,
    VISION_LAYERS,
    VOCABULARY,
    WIDTH,
)


def config() -> SiglipConfig:
    """Every field is given, so that no reader has to know a library's defaults."""
    shared = dict(
        hidden_size=WIDTH,
        intermediate_size=MLP,
        num_attention_heads=HEADS,
        layer_norm_eps=1e-6,
        hidden_act="gelu_pytorch_tanh",
        attention_dropout=0.0,
    )
    text = dict(
        shared,
        num_hidden_layers=TEXT_LAYERS,
        vocab_size=VOCABULARY,
        max_position_embeddings=TEXT_LENGTH,
        projection_size=WIDTH,
        pad_token_id=PAD,
        bos_token_id=EOS,
        eos_token_id=EOS,
    )
    vision = dict(
        shared,
        num_hidden_layers=VISION_LAYERS,
        num_channels=3,
        image_size=IMAGE,
        patch_size=PATCH,
        vision_use_head=True,
    )
    return SiglipConfig(text_config=text, vision_config=vision)


def build_model() -> SiglipModel:
    settings = config()
    settings._attn_implementation = "sdpa"
    model = SiglipModel(settings)
    for name, p in model.named_parameters():  # small, equal starts: the library's own ones suit larger widths
        if p.dim() >= 2 and "embedding" not in name:
            nn.init.trunc_normal_(p, std=0.5 * p.shape[-1] ** -0.5)
    nn.init.normal_(model.text_model.embeddings.token_embedding.weight, std=0.05)
    nn.init.normal_(model.text_model.embeddings.position_embedding.weight, std=0.05)
    nn.init.normal_(model.vision_model.embeddings.position_embedding.weight, std=0.05)
    with torch.no_grad():
        model.logit_scale.fill_(2.3026)
        model.logit_bias.fill_(-10.0)
    return model


def encode_text(model: SiglipModel, ids: torch.Tensor) -> torch.Tensor:
    """Token ids (b, 32) to vectors (b, WIDTH), not normalised."""
    text = model.text_model
    x = text.embeddings.token_embedding(ids) + text.embeddings.position_embedding.weight  # (b, 32, WIDTH)
    for layer in text.encoder.layers:
        x = block(layer, x)
    return text.head(text.final_layer_norm(x[:, -1]))


def block(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """One pre-norm transformer block (b, n, WIDTH), written out so that it compiles to few kernels."""
    b, n, _ = x.shape
    attention, h = layer.self_attn, layer.layer_norm1(x)
    q, k, v = (
        p(h).view(b, n, HEADS, -1).transpose(1, 2)
        for p in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    mixed = attend(q, k, v)  # (b, heads, n, WIDTH / heads)
    x = x + attention.out_proj(mixed.transpose(1, 2).reshape(b, n, -1))
    return x + layer.mlp(layer.layer_norm2(x))


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Attention with the scores spelt out: at these short lengths the fused CPU kernel's backward
    pass is slower.
    """
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)  # (b, heads, n, n)
    return scores.float().softmax(-1).to(v.dtype) @ v


def window_positions(row: int, column: int, rows: int, columns: int) -> torch.Tensor:
    """Indices (rows * columns) of a window of the position table."""
    y, x = torch.arange(row, row + rows), torch.arange(column, column + columns)
    return (y[:, None] * GRID + x).reshape(-1)


def encode_patches(
    model: SiglipModel,
    pixels: torch.Tensor,
    positions: torch.Tensor,
    hidden: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> list[torch.Tensor]:
    """Pixels (b, 3, h, w) to states (b, n, WIDTH) after every second layer and, last, the final
    norm. `positions` are indices (n) of the position table, or vectors (n, WIDTH) in its place.
    `hidden` are marks (b, n) of patches that are not seen, and what stands there (WIDTH).
    """
    vision = model.vision_model
    x = vision.embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2)
    if hidden is not None:
        x = hide(x, *hidden)
    x = x + (positions if positions.dim() == 2 else vision.embeddings.position_embedding.weight[positions])
    states = []
    for index, layer in enumerate(vision.encoder.layers):
        x = block(layer, x)
        if index % 2:
            states.append(x)
    return states + [vision.post_layernorm(x)]


def pool(model: SiglipModel, tokens: torch.Tensor) -> torch.Tensor:
    """The attention-pooling head: tokens (b, n, WIDTH) to image vectors (b, WIDTH)."""
    head = model.vision_model.head
    b, n, _ = tokens.shape
    q_w, k_w, v_w = head.attention.in_proj_weight.chunk(3)
    q_b, k_b, v_b = head.attention.in_proj_bias.chunk(3)
    q = F.linear(head.probe, q_w, q_b).view(1, 1, HEADS, -1).transpose(1, 2).expand(b, -1, -1, -1)
    k, v = (F.linear(tokens, w, c).view(b, n, HEADS, -1).transpose(1, 2) for w, c in ((k_w, k_b), (v_w, v_b)))
    mixed = attend(q, k, v).transpose(1, 2).reshape(b, -1)
    a = head.attention.out_proj(mixed)
    return a + head.mlp(head.layernorm(a))


def patch_vectors(model: SiglipModel, tokens: torch.Tensor) -> torch.Tensor:
    """Each patch (b, n, WIDTH) as the pooling head would see it alone: its value path, close to
    text.
    """
    head = model.vision_model.head
    values = F.linear(
        tokens, head.attention.in_proj_weight.chunk(3)[2], head.attention.in_proj_bias.chunk(3)[2]
    )
    a = head.attention.out_proj(values)
    return a + head.mlp(head.layernorm(a))
