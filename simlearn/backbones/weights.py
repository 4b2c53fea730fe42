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


CLASSIFIERS = ("fc", "fc8", "aux1", "aux2", "logits")
"""Layers of public files that turn features into classes; backbones end before them."""


def match_names(tensors: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """Bring a file's names to ours.

    In this order, each for files that hold a name of its kind:

    1. a simlearn checkpoint's ``backbone.`` is cut off, its head is left out;
    2. our own names stay as they are;
    3. ``inception3a.branch1.conv.weight`` of public GoogLeNet and facenet files, our name without
       ``stages.``, becomes ``stages.inception3a.branch1.conv.weight``; of the other layers only
       the classifiers in :data:`CLASSIFIERS` are left out;
    4. ``conv1.weight`` of public C3D files becomes ``stages.conv1.0.weight``; layers that we do
       not have (``fc8``) are left out.

    Args:
        tensors: name -> tensor of the file; empty gives an empty result.
        wanted: name -> tensor of the backbone.

    Returns:
        name -> tensor of the file, in our names where one was found.
    """
    if all(name.startswith("module.") for name in tensors):  # saved from DataParallel
        tensors = {k.removeprefix("module."): v for k, v in tensors.items()}
    if any(name.startswith("backbone.") for name in tensors):
        tensors = {
            k.removeprefix("backbone."): v for k, v in tensors.items() if k.startswith("backbone.")
        }
    if any(name in wanted for name in tensors):
        return tensors
    bare = {name.removeprefix("stages."): name for name in wanted}
    if any(name in bare for name in tensors):
        return {
            bare.get(k, k): v
            for k, v in tensors.items()
            if k in bare or k.split(".")[0] not in CLASSIFIERS
        }
    public = {}
    for name in wanted:
        _, stage, *_, kind = name.split(".")
        public[f"{stage}.{kind}"] = name
    return {public[k]: v for k, v in tensors.items() if k in public}


def load_weights(backbone: Backbone, path: Path) -> None:
    """Load the weights of ``path`` into ``backbone``, all or none.

    Older files do not count the batches that a batch norm has seen (``num_batches_tracked``,
    which no output depends on): the backbone keeps its own count.

    Args:
        backbone: changed in place.
        path: a simlearn checkpoint, a state dict of a backbone, or a public file of C3D,
            torchvision's GoogLeNet or facenet-pytorch.

    Raises:
        ValueError: the file is unreadable or of another backbone; says which layers differ.
    """
    wanted = backbone.state_dict()
    counts = {k: v for k, v in wanted.items() if k.endswith(".num_batches_tracked")}
    tensors = {**counts, **match_names(read_state_dict(path), wanted)}
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
