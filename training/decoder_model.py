"""The LocCa-style decoder: captions, boxes of expressions, captions of boxes (arXiv 2403.19596).

Blocks are those of the text tower, causal, with cross-attention to the un-pooled vision tokens in
between. It has a vocabulary of its own: a few task tokens, one token for each of the coordinates 0
to 500, and those pieces of the tower's tokenizer that its captions need. `decoder.json` beside
`decoder.safetensors` says all of that; any SigLIP checkpoint can carry such a pair of files.

The towers are frozen, so it is given what they know: each patch is its token, where it is, and its
text-aligned vector; and an expression is the text tower's vector, whatever its language. (With
words instead, each name of each language had to be learnt from boxes, and was not: of several
things in a scene, 19 % were found.)
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

START, EOS, CAP, AREF, GCAP, SEPARATOR, LANGUAGE = range(
    7
)  # ids before those of languages, coordinates, pieces
COORDINATES = 501
OCTAVES = 5  # of the waves that tell where a patch is


def places(rows: int, columns: int) -> torch.Tensor:
    """Where each patch of a grid is, (rows * columns, 4 * OCTAVES): sines and cosines of its
    centre, x before y.
    """
    y, x = torch.meshgrid(
        (torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns, indexing="ij"
    )
    angles = torch.stack([x, y], -1)[..., None] * torch.pi * 2.0 ** torch.arange(OCTAVES)  # (rows, columns, 2, octaves)
    return torch.stack([angles.sin(), angles.cos()], -1).reshape(rows * columns, 4 * OCTAVES)


@dataclass(frozen=True)
class DecoderConfig:
    vision_size: int  # width of vision tokens and of embeddings
    hidden_size: int
    intermediate_size: int
    num_attention_heads: int
    num_hidden_layers: int
    length: int  # most tokens of a sequence
    languages: tuple[str, ...]  # of captions
    pieces: tuple[int, ...]  # ids of the tokenizer, in the order of the decoder's own last ids
    layer_norm_eps: float = 1e-6
    format: int = 1

    @property
    def first_coordinate(self) -> int:
        return LANGUAGE + len(self.languages)

    @property
    def first_piece(self) -> int:
        return self.first_coordinate + COORDINATES

    @property
    def vocabulary(self) -> int:
        return self.first_piece + len(self.pieces)

    def to_json(self, texts: list[str]) -> dict:
        """What decoder.json holds: these fields and the text of each piece."""
        return {"format": self.format} | asdict(self) | {"texts": texts}


class Attention(nn.Module):
    """Queries (b, t, width) over keys and values from (b, s, source)."""

    def __init__(self, width: int, source: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.k_proj, self.v_proj = nn.Linear(source, width), nn.Linear(source, width)

    def forward(self, x, source, mask=None):
        b, t, width = x.shape
        q, k, v = (
            part.view(b, -1, self.heads, width // self.heads).transpose(1, 2)
            for part in (self.q_proj(x), self.k_proj(source), self.v_proj(source))
        )
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)  # (b, heads, t, s)
        if mask is not None:
            scores = scores.masked_fill(mask, float("-inf"))
        mixed = scores.float().softmax(-1).to(v.dtype) @ v
        return self.out_proj(mixed.transpose(1, 2).reshape(b, t, width))


class Mlp(nn.Module):
    def __init__(self, width: int, inner: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, c: DecoderConfig):
        super().__init__()
        width = c.hidden_size
        self.layer_norm1 = nn.LayerNorm(width, c.layer_norm_eps)
        self.self_attn = Attention(width, width, c.num_attention_heads)
        self.layer_norm2 = nn.LayerNorm(width, c.layer_norm_eps)
        self.cross_attn = Attention(width, 2 * c.vision_size, c.num_attention_heads)
        self.layer_norm3 = nn.LayerNorm(width, c.layer_norm_eps)
        self.mlp = Mlp(width, c.intermediate_size)

    def forward(self, x, tokens, mask):
        h = self.layer_norm1(x)
        x = x + self.self_attn(h, h, mask)
        x = x + self.cross_attn(self.layer_norm2(x), tokens)
        return x + self.mlp(self.layer_norm3(x))


class Decoder(nn.Module):
    """Next-token scores, given what was said so far and the vision tokens after the last norm."""

    def __init__(self, config: DecoderConfig):
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.token_embedding = nn.Embedding(config.vocabulary, width)
        self.position_embedding = nn.Embedding(config.length, width)
        self.expression = nn.Linear(config.vision_size, width, bias=False)
        # What the towers pool need not know where it is, so their tokens hardly tell.
        self.place = nn.Linear(4 * OCTAVES, config.vision_size, bias=False)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.final_layer_norm = nn.LayerNorm(width, config.layer_norm_eps)
        self.output = nn.Linear(width, config.vocabulary)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.trunc_normal_(p, std=0.5 * p.shape[-1] ** -0.5)
        nn.init.normal_(self.token_embedding.weight, std=0.05)
        nn.init.normal_(self.position_embedding.weight, std=0.05)
        nn.init.zeros_(self.output.weight)

    def look(self, tokens: torch.Tensor, aligned: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
        """What the cross-attention reads, (b, s, 2 * vision): vision tokens (b, s = rows * columns,
        vision) with their places, beside the text-aligned vectors of the same patches.
        """
        return torch.cat([tokens + self.place(places(rows, columns).to(tokens.device)), level(aligned)], -1)

    def states(
        self, inputs: torch.Tensor, seen: torch.Tensor, texts: torch.Tensor | None = None, causal: bool = True
    ) -> torch.Tensor:
        """Inputs (b, t), which begin with START and a task, and what `look` gave to states (b, t,
        width). Where the task is AREF, `texts` (b, vision) are the embeddings of the expressions.
        Without `causal`, every input is seen from everywhere (parallel prediction).
        """
        t = inputs.shape[1]
        x = self.token_embedding(inputs) + self.position_embedding.weight[:t]
        if texts is not None:
            x = torch.cat([x[:, :1], x[:, 1:2] + self.expression(level(texts))[:, None], x[:, 2:]], 1)
        mask = torch.ones(t, t, dtype=torch.bool, device=inputs.device).triu(1) if causal else None
        for layer in self.layers:
            x = layer(x, seen, mask)
        return self.final_layer_norm(x)

    def forward(self, inputs, seen, texts=None):
        """Scores (b, t, vocabulary) of what `states` takes; those at position i are for the token
        after input i.
        """
        return self.output(self.states(inputs, seen, texts))


def level(vectors: torch.Tensor) -> torch.Tensor:
    """Vectors of any length as long as those of a layer norm."""
    return F.normalize(vectors, dim=-1) * vectors.shape[-1] ** 0.5
