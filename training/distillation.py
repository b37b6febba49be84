"""SigLIP 2's two losses of a teacher that is the student's own moving average: SILC's
local-to-global self-distillation (arXiv 2310.13355) and masked prediction as in TIPS (2410.16512).

Both compare soft assignments to prototypes: the teacher's, sharpened and centred, is what the
student's, of less of the image, has to say. A fixed centre would let all images take one prototype.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

TEACHER_HEAT, STUDENT_HEAT = 0.04, 0.1  # temperatures of the two softmaxes
MOMENTUM, CENTRE_MOMENTUM = 0.996, 0.9
MASKED = 0.5  # share of the patches that the student does not see
LOCAL_VIEWS = 8  # of an image, beside one global view of the teacher


class Prototypes(nn.Module):
    """Vectors (..., width) to scores (..., prototypes): an MLP, then cosines to learnt directions."""

    def __init__(self, width: int, prototypes: int, inner: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))
        self.directions = nn.Parameter(torch.randn(prototypes, width) * width**-0.5)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return F.normalize(self.mlp(vectors), dim=-1) @ F.normalize(self.directions, dim=-1).T


def teacher_of(student: nn.Module) -> nn.Module:
    """A frozen copy, at which the teacher starts."""
    return copy.deepcopy(student).requires_grad_(False)


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float = MOMENTUM) -> None:
    """Moves the teacher in place: momentum times itself, and the rest of the student."""
    for old, new in zip(teacher.parameters(), student.parameters(), strict=True):
        old.lerp_(new, 1 - momentum)


def targets(scores: torch.Tensor, centre: torch.Tensor, heat: float = TEACHER_HEAT) -> torch.Tensor:
    """The teacher's assignments (..., prototypes), without gradients."""
    return ((scores.detach() - centre) / heat).softmax(-1)


@torch.no_grad()
def moved_centre(centre: torch.Tensor, scores: torch.Tensor, momentum: float = CENTRE_MOMENTUM) -> torch.Tensor:
    """The running mean (prototypes) of the teacher's scores (..., prototypes)."""
    return centre.lerp(scores.reshape(-1, scores.shape[-1]).mean(0), 1 - momentum)


def local_to_global(student: torch.Tensor, teacher: torch.Tensor, heat: float = STUDENT_HEAT) -> torch.Tensor:
    """SILC: scores of local views (views, b, prototypes) against assignments of the global view (b,
    prototypes): the mean cross-entropy over views and images.
    """
    return -(teacher * (student / heat).log_softmax(-1)).sum(-1).mean()


def masked_prediction(
    student: torch.Tensor, teacher: torch.Tensor, masked: torch.Tensor, heat: float = STUDENT_HEAT
) -> torch.Tensor:
    """TIPS: scores of patches (b, n, prototypes) against assignments of the same patches, where
    `masked` (b, n) says that the student did not see them: the mean cross-entropy over those.
    """
    losses = -(teacher * (student / heat).log_softmax(-1)).sum(-1)
    return (losses * masked).sum() / masked.sum().clamp(min=1)


def draw_mask(images: int, patches: int, generator: torch.Generator, share: float = MASKED) -> torch.Tensor:
    """Which patches the student does not see (images, patches): the same number in each image."""
    order = torch.rand(images, patches, generator=generator, device="cpu").argsort(1)
    return order < round(share * patches)


def hide(embedded: torch.Tensor, masked: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    """Embedded patches (b, n, width) with the learnt mask token (width) in place of masked ones.

    It is called before places are added, so that the student knows where it has to guess.
    """
    return torch.where(masked[..., None], token.to(embedded.dtype), embedded)


def local_places(generator: torch.Generator, grid: int, side: int, views: int = LOCAL_VIEWS) -> list[tuple[int, int]]:
    """Rows and columns, in patches, where local views of `side` patches begin in a grid."""
    starts = torch.randint(0, grid - side + 1, (views, 2), generator=generator, device="cpu")
    return [(row, column) for row, column in starts.tolist()]
