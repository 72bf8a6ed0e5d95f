"""States of a program's training: kept in memory to go back to, and written as safetensors files."""

from __future__ import annotations

import copy
import ctypes
import json
import os
import random
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

GROUP = ("lr", "weight_decay", "momentum", "betas")
"""The settings of a group of parameters that a state has."""

TYPES: Mapping[str, str] = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
"""The number types of a safetensors file, by torch's names."""


Groups = Sequence[tuple["Optimizer", Sequence[Mapping[str, Any]]]]
"""The settings of each optimiser's groups."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything of a training that torch holds: what the program's own variables hold is not in it.

    Attributes:
        parameters: parameters, each with its numbers.
        buffers: buffers by their modules and names, with their numbers.
        slots: by optimiser, what it has gathered of each parameter.
        groups: by optimiser, the settings of its groups.
        generators: the random number generators.
    """

    parameters: Sequence[tuple[Tensor, Tensor]]
    buffers: Sequence[tuple[nn.Module, str, Tensor]]
    slots: Sequence[tuple[Optimizer, Mapping[Tensor, Any]]]
    groups: Groups
    generators: Mapping[str, Any]

    @classmethod
    def of(cls, optimizers: Iterable[Optimizer], models: Iterable[nn.Module], groups: Groups | None = None) -> State:
        """The state as it is now; with `groups`, their settings as they were when `groups_of` was called."""
        import torch

        optimizers, models = list(optimizers), list(models)
        with torch.no_grad():
            return cls(
                parameters=[(each, each.detach().clone()) for each in _parameters(optimizers, models)],
                buffers=[(module, name, each.detach().clone()) for module, name, each in _buffers(models)],
                slots=[(each, copy.deepcopy(_slots(each))) for each in optimizers],
                groups=groups_of(optimizers) if groups is None else groups,
                generators=_generators(),
            )

    def restore(self) -> None:
        """Go back to it. A parameter that was replaced meanwhile stays as it is."""
        import torch

        with torch.no_grad():
            for tensor, numbers in self.parameters:
                tensor.copy_(numbers)
            for module, name, numbers in self.buffers:
                _put_back(module, name, numbers)
        for optimizer, slots in self.slots:
            # A copy, since the optimiser changes its slots in place, and one may go back to this state again.
            kept = copy.deepcopy(list(slots.values()))
            for parameter, slot in zip(slots, kept, strict=True):
                optimizer.state[parameter] = slot
            for parameter in [each for each in optimizer.state if each not in slots]:
                del optimizer.state[parameter]
        for optimizer, groups in self.groups:
            for group, settings in zip(optimizer.param_groups, groups, strict=False):
                _set(group, settings)
        _set_generators(self.generators)


def size_of(optimizers: Iterable[Optimizer], models: Iterable[nn.Module]) -> int:
    """The bytes that a state takes."""
    optimizers, models = list(optimizers), list(models)
    slots = [list(_slots(optimizer).values()) for optimizer in optimizers]
    every = [*_parameters(optimizers, models), *(each for _, _, each in _buffers(models)), *_inside(slots)]
    return sum(each.numel() * each.element_size() for each in every)


def write(path: Path, optimizers: Sequence[Optimizer], models: Sequence[nn.Module], about: Mapping[str, str]) -> None:
    """Write a state as a safetensors file, as a whole or not at all; raises OSError where the disk refuses.

    Its tensors are `model.NAME` (the second model's are `model2.NAME`), `optimizer.N.SLOT` for the Nth parameter of an
    optimiser, and `generator.NAME`. Settings and numbers that are no tensors are JSON in its metadata. The format:
    https://huggingface.co/docs/safetensors.
    """
    import torch

    tensors: dict[str, Tensor] = {}
    metadata = {"format": "pt", **about}
    for place, model in enumerate(models):
        prefix = "model" if not place else f"model{place + 1}"
        every = model.state_dict(keep_vars=True).items()
        tensors.update({f"{prefix}.{name}": each for name, each in every if isinstance(each, torch.Tensor)})
    for place, optimizer in enumerate(optimizers):
        prefix = "optimizer" if not place else f"optimizer{place + 1}"
        metadata[f"{prefix}.groups"] = json.dumps(_groups(optimizer), default=str)
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        for number, parameter in enumerate(parameters):
            slots = optimizer.state.get(parameter, {})
            for slot, value in slots.items() if isinstance(slots, Mapping) else ():
                if isinstance(value, torch.Tensor):
                    tensors[f"{prefix}.{number}.{slot}"] = value
                else:
                    metadata[f"{prefix}.{number}.{slot}"] = json.dumps(value, default=str)
    tensors["generator.torch"] = torch.get_rng_state()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    try:
        _write(beside, tensors, metadata)
        beside.replace(path)
    except BaseException:  # Ctrl-C too leaves nothing behind.
        beside.unlink(missing_ok=True)
        raise


def _write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Eight bytes that say how long the header is, the header, and the numbers of all tensors."""
    header: dict[str, Any] = {"__metadata__": metadata}
    place = 0
    dense = {name: each.detach() for name, each in tensors.items() if not (each.is_sparse or each.is_quantized)}
    named = {name: str(each.dtype).removeprefix("torch.") for name, each in dense.items()}
    dense = {name: each for name, each in dense.items() if named[name] in TYPES}
    for name, each in dense.items():
        end = place + each.numel() * each.element_size()
        header[name] = {"dtype": TYPES[named[name]], "shape": list(each.shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # Numbers begin at a multiple of eight bytes.
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for each in dense.values():
            there = each.cpu().contiguous()
            file.write((ctypes.c_char * (there.numel() * there.element_size())).from_address(there.data_ptr()))
        file.flush()
        os.fsync(file.fileno())


def groups_of(optimizers: Iterable[Optimizer]) -> Groups:
    """The settings of the groups of each optimiser, as they are now."""
    return [(each, _groups(each)) for each in optimizers]


def _parameters(optimizers: Iterable[Optimizer], models: Iterable[nn.Module]) -> list[Tensor]:
    """The parameters of a training, each once."""
    found = {id(each): each for one in optimizers for group in one.param_groups for each in group["params"]}
    for model in models:
        found.update({id(each): each for each in model.parameters()})
    return list(found.values())


def _buffers(models: Iterable[nn.Module]) -> list[tuple[nn.Module, str, Tensor]]:
    """The buffers of a training with the module that each is of: a module may put another one in its place."""
    return [
        (module, name, each)
        for model in models
        for module in model.modules()
        for name, each in module.named_buffers(recurse=False)
    ]


def _put_back(module: nn.Module, name: str, numbers: Tensor) -> None:
    """Put numbers into a module's buffer; make it anew where that is impossible."""
    now = getattr(module, name, None)
    alone = now is not None and now.shape == numbers.shape and all(now.stride()) and now.dtype == numbers.dtype
    if now is not None and alone:
        now.copy_(numbers)
    elif now is None or not (now.shape == numbers.shape and bool((now == numbers).all())):
        setattr(module, name, numbers.clone())


def _set(group: dict[str, Any], settings: Mapping[str, Any]) -> None:
    """Give a group its settings back. A number in a tensor stays in that tensor: the program may set it there."""
    import torch

    for name, value in settings.items():
        if isinstance(now := group.get(name), torch.Tensor):
            now.copy_(torch.as_tensor(value))
        else:
            group[name] = copy.deepcopy(value)


def _inside(value: Any) -> Iterator[Tensor]:
    """The tensors in lists and mappings, however deep."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _inside(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _inside(each)


def _slots(optimizer: Optimizer) -> dict[Tensor, Any]:
    """The state of an optimiser for each parameter. The parameters themselves are the keys, and are not copied."""
    return _Kept(optimizer.state)


class _Kept(dict["Tensor", Any]):
    """A mapping of parameters whose copies have the same keys, and copies of the values."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Kept:
        return _Kept({key: copy.deepcopy(value, memo) for key, value in self.items()})


def _groups(optimizer: Optimizer) -> list[dict[str, Any]]:
    return [{name: copy.deepcopy(group[name]) for name in GROUP if name in group} for group in optimizer.param_groups]


def _generators() -> dict[str, Any]:
    import torch

    found: dict[str, Any] = {"torch": torch.get_rng_state(), "python": random.getstate()}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state_all()
    if (numpy := sys.modules.get("numpy")) is not None:
        found["numpy"] = numpy.random.get_state()
    return found


def _set_generators(generators: Mapping[str, Any]) -> None:
    import torch

    torch.set_rng_state(generators["torch"])
    random.setstate(generators["python"])
    if "cuda" in generators:
        torch.cuda.set_rng_state_all(generators["cuda"])
    if "numpy" in generators:
        sys.modules["numpy"].random.set_state(generators["numpy"])
