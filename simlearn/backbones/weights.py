"""Weights of a backbone from a file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from simlearn.backbones.base import Backbone


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors of a checkpoint or state dict, loaded without running any code of the file.

    Raises:
        ValueError: naming the file, if it is missing or holds no tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ValueError(f"backbone.weights={path}: no such file") from error
    except Exception as error:
        raise ValueError(
            f"backbone.weights={path}: not a file of plain tensors ({type(error).__name__}). "
            "Save the state_dict with torch.save and name that file"
        ) from error
    state = content.get("state_dict", content) if isinstance(content, dict) else {}
    items = state.items() if isinstance(state, dict) else ()
    tensors = {k: v for k, v in items if isinstance(k, str) and isinstance(v, Tensor)}
    if not tensors:
        raise ValueError(f"backbone.weights={path}: holds no tensors by name")
    return tensors


def match_names(tensors: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """Bring a file's names to ours.

    A simlearn checkpoint's ``backbone.`` is cut off, its head is left out; ``conv1.weight`` of
    public C3D files becomes ``stages.conv1.0.weight``; layers that we do not have (``fc8``) are
    left out.
    """
    if any(name.startswith("backbone.") for name in tensors):
        tensors = {
            k.removeprefix("backbone."): v for k, v in tensors.items() if k.startswith("backbone.")
        }
    public = {}
    for name in wanted:
        _, stage, *_, kind = name.split(".")
        public[f"{stage}.{kind}"] = name
    if not any(name in wanted for name in tensors):
        tensors = {public[k]: v for k, v in tensors.items() if k in public}
    return tensors


def load_weights(backbone: Backbone, path: Path) -> None:
    """Load the weights of ``path`` into ``backbone``, all or none.

    Args:
        backbone: changed in place.
        path: a simlearn checkpoint, a state dict of a backbone, or a public C3D file.

    Raises:
        ValueError: the file is unreadable or of another backbone; says which layers differ.
    """
    wanted = backbone.state_dict()
    tensors = match_names(read_state_dict(path), wanted)
    faults = [f"{k} is missing" for k in wanted if k not in tensors]
    faults += [f"{k} is not known" for k in tensors if k not in wanted]
    faults += [
        f"{k} has shape {tuple(tensors[k].shape)}, needed {tuple(v.shape)}"
        for k, v in wanted.items()
        if k in tensors and tensors[k].shape != v.shape
    ]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise ValueError(
            f"backbone.weights={path}: weights of another backbone than {type(backbone).__name__} "
            f"({'; '.join(faults[:3])}{more}). Choose the backbone and width they were trained with"
        )
    backbone.load_state_dict(tensors)
