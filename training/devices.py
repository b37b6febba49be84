"""Where the stages of training compute. `loop` sets it once, so that whatever a stage makes is there."""

import numpy as np
import torch


def on_device(values: np.ndarray) -> torch.Tensor:
    """What was drawn by NumPy, of the same shape and type, where the stage computes."""
    return torch.from_numpy(values).to(torch.get_default_device())


def on_cpu(state):
    """A state of a module or an optimiser, with its tensors where every machine can read them."""
    if isinstance(state, torch.Tensor):
        return state.cpu()
    if isinstance(state, dict):
        return {key: on_cpu(value) for key, value in state.items()}
    return [on_cpu(value) for value in state] if isinstance(state, list) else state


def mixed_precision() -> torch.autocast:
    """Matrix products in bf16, as CPUs with AMX and GPUs have them."""
    return torch.autocast(torch.get_default_device().type, torch.bfloat16)
