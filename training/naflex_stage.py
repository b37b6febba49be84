"""The bundled model's NaFlex sibling: the vision tower learns to read images in their own shape, with
another number of patches at every step (SigLIP 2, arXiv 2502.14786, section 2.4.3). The text tower
stays as it is, so both models mean the same by a text.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

from .checkpoint import write_settings
from .export import PREPROCESSOR, explicit_config, trained, weights_of
from .layout import scene
from .model import GRID
from .naflex import PATCHES, flattened, naflex_config, naflex_preprocessor
from .optimise import optimisers, trainable
from .refine import RefineStage
from .resolution import resized
from .settings import IMAGE, MODEL_DIR, PATCH, Budget

BUDGETS = (64, 144, 256)  # patches of an image
WIDEST = 2.5  # longer side over shorter
RATE = 0.08  # of the learning rates of both towers' stages: only the shape is new
TENSORS = "vision.safetensors"  # of the sibling's folder


def draw_grid(rng) -> tuple[int, int]:
    """Rows and columns of patches, as many as a budget allows."""
    budget = int(rng.choice(BUDGETS))
    aspect = WIDEST ** rng.uniform(-1, 1)
    rows = max(1, round((budget / aspect) ** 0.5))
    return rows, max(1, min(round(rows * aspect), budget // rows))


class NaflexStage(RefineStage):
    name = "naflex"
    log_name = "naflex"

    def __init__(self, rank: int, budget: Budget, concepts: int, compile: bool = True):
        # Every grid would be compiled anew.
        super().__init__(rank, budget, concepts, compile=False)
        named = list(trainable(self.modules, "vision_model."))
        self.optimisers = optimisers(named, muon_lr=RATE * 2e-3, adam_lr=RATE * 8e-4)

    def weights_before(self) -> dict[str, torch.Tensor]:
        return trained("refine") or weights_of(MODEL_DIR)

    def draw_scenes(self, count: int) -> list:
        rows, columns = draw_grid(self.painter.rng)
        table = self.modules.vision_model.embeddings.position_embedding.weight
        self.positions = resized(table, rows, columns)
        return [scene(self.painter, rows * PATCH, columns * PATCH) for _ in range(count)]


def export_naflex(folder: Path) -> None:
    """Writes the sibling's folder: settings, and the tensors of the vision tower. Those of the text
    tower are the bundled model's.
    """
    weights = trained("naflex")
    if weights is None:
        print("no NaFlex sibling yet: left out", flush=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    vision = {name: value for name, value in weights.items() if name.startswith("vision_model.") and "position_ids" not in name}
    vision[PATCHES] = flattened(vision[PATCHES])
    save_file({name: value.half().contiguous() for name, value in vision.items()}, folder / TENSORS, metadata={"format": "pt"})
    (folder / TENSORS).chmod(0o644)
    files = {
        "config.json": naflex_config(explicit_config(), IMAGE, PATCH),
        "preprocessor_config.json": naflex_preprocessor(PREPROCESSOR, PATCH, GRID * GRID),
    }
    write_settings(folder, files)
    print(f"exported the NaFlex sibling, {len(vision)} tensors", flush=True)
