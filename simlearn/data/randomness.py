"""Every random draw as a function of (seed, purpose, epoch, step or sample): nothing is stored."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def derive_seed(seed: int, *parts: str | int) -> int:
    """A 63-bit seed that depends on ``seed`` and on every part, the same on every machine.

    Args:
        seed: the run's seed.
        parts: what the draw is for (``"sampler"``), then epoch, step or sample index.

    Returns:
        An integer in [0, 2^63).
    """
    text = "\x1f".join([str(int(seed)), *(f"{type(p).__name__[0]}{p}" for p in parts)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def torch_generator(seed: int, *parts: str | int) -> torch.Generator:
    """A CPU ``torch.Generator`` seeded by :func:`derive_seed`."""
    return torch.Generator().manual_seed(derive_seed(seed, *parts))


def numpy_generator(seed: int, *parts: str | int) -> np.random.Generator:
    """A NumPy generator (Philox, cheap to create) seeded by :func:`derive_seed`."""
    return np.random.Generator(np.random.Philox(key=derive_seed(seed, *parts)))


def seed_layers(seed: int) -> None:
    """Seed what layers draw by themselves (dropout), on the CPU and on CUDA devices in use.

    The same as ``torch.manual_seed`` there, which formats the call stack three times where other
    kinds of devices are not in use, and so takes longer than a small training step.

    Args:
        seed: in [0, 2^63).
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
