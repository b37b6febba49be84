"""A device that is not the CPU, for machines without a GPU: its tensors lie in memory too, but an
operation that mixes them with tensors of the CPU fails as it does on a GPU.
"""

import contextlib
import unittest.mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "other"
MOVES = ("aten::_to_copy", "aten::copy_")  # from one device to another
PLACES = ("aten::index", "aten::index_put_")  # whose indices may be of the CPU


class Other(torch.Tensor):
    """A tensor of that device; `inner` has its values."""

    @staticmethod
    def __new__(cls, inner: torch.Tensor):
        layout = dict(strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype)
        made = torch.Tensor._make_wrapper_subclass(cls, inner.size(), device=torch.device(NAME, 0), **layout)
        made.inner = inner
        return made

    def __repr__(self):
        return f"Other({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _perform(operation, args, kwargs or {})


class _Factories(TorchDispatchMode):
    """Sees operations that no tensor of that device is given to."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _perform(operation, args, kwargs or {})


def _perform(operation, args, kwargs):
    name = operation._schema.name
    tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
    others = [tensor for tensor in tensors if isinstance(tensor, Other)]
    # Numbers of the CPU may be given to an operation anywhere.
    mixed = others and any(tensor.dim() for tensor in tensors if not isinstance(tensor, Other))
    if mixed and name not in MOVES + PLACES:
        raise RuntimeError(f"{name}: tensors of two devices")
    wanted = kwargs.get("device")
    there = bool(others) if wanted is None else torch.device(wanted).type == NAME
    if wanted is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    result = operation(*tree_map_only(Other, lambda one: one.inner, args), **tree_map_only(Other, lambda one: one.inner, kwargs))
    given = {id(tensor.inner): tensor for tensor in others}  # what an operation in place returns

    def placed(one: torch.Tensor) -> torch.Tensor:
        if id(one) in given:
            return given[id(one)]
        return Other(one) if there else one

    return tree_map_only(torch.Tensor, placed, result)


def _tensor(data, *, device=None, **more):
    """`torch.tensor`, which no dispatch sees."""
    return torch.as_tensor(data, device="cpu", **more).clone().to(device or torch.get_default_device())


@contextlib.contextmanager
def other_device():
    """Makes `other:0` a device, for the whole process."""
    _setup_privateuseone_for_python_backend(NAME)
    from training import devices

    with _Factories(), unittest.mock.patch.object(torch, "tensor", _tensor):
        # It knows no mixed precision.
        for module in (devices, *_users_of_mixed_precision()):
            module.mixed_precision = contextlib.nullcontext
        yield


def _users_of_mixed_precision():
    from training import curation, decoder, distil, joint, teacher, text

    return curation, decoder, distil, joint, teacher, text
