"""Files of named tensors with facts about them: written whole or not at all, checked on reading."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], *, form: str, facts: object
) -> None:
    """Write a safetensors file; folders that are missing are made.

    Its metadata hold ``form``, ``facts`` as JSON and a digest of all that the file says.

    Args:
        path: of the file.
        tensors: on any device.
        form: what the file holds and in which version, ``"simlearn neurons 1"``.
        facts: anything that JSON can hold.

    Raises:
        AnalysisError: the folder cannot be written or the disk is full.
    """
    from safetensors.torch import save

    plain = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    text = json.dumps(facts)
    told = {"form": form, "facts": text, "digest": _digest(form, text, plain)}
    path = Path(path)
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(save(plain, metadata=told))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise AnalysisError(
            f"{path}: cannot be written ({error.strerror}); free space or name another folder"
        ) from error


def read_tensors(path: str | os.PathLike[str], *, form: str) -> tuple[dict[str, Tensor], Any]:
    """Read what :func:`write_tensors` wrote.

    Returns:
        The tensors by name, on the CPU, and the facts.

    Raises:
        AnalysisError: no such file, or it is cut short, changed, or of another form.
    """
    from safetensors import safe_open

    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise AnalysisError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # whatever a hostile header brings about
        raise AnalysisError(f"{path}: damaged, or not a safetensors file ({error})") from error
    found = told.get("form")
    if found != form:
        raise AnalysisError(f"{path}: must be a file of {form!r}, it is one of {found!r}")
    text = told.get("facts", "")
    if told.get("digest") != _digest(form, text, tensors):
        raise AnalysisError(f"{path}: was changed after it was written; write it again")
    try:
        return tensors, json.loads(text)
    except ValueError as error:
        raise AnalysisError(f"{path}: its facts are no JSON ({error})") from error


def _digest(form: str, facts: str, tensors: Mapping[str, Tensor]) -> str:
    """32 hex digits of everything in a file."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        t = tensors[name]
        digest.update(json.dumps([name, str(t.dtype), list(t.shape)]).encode())
        digest.update(t.reshape(-1).view(torch.uint8).numpy().tobytes())
    digest.update(json.dumps([form, facts]).encode())
    return digest.hexdigest()
