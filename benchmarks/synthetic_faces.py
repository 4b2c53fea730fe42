"""How hard the synthetic faces are: what pixels find, what labels teach, and how fast they appear.

    python benchmarks/synthetic_faces.py --seeds 0 1 2 --out benchmarks/results/synthetic_faces.json

Two numbers frame every result on this data. `pixel_ceiling`: the best of four distances between
pixels, which must stay weak (below 60 % top-1) or there is nothing to learn. `supervised_ceiling`:
a small 2-D network that is given labels on some videos of the same people names their other
videos; it must reach 95 % or the people are not visible in the pictures.

PLACEHOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from simlearn.data.synthetic_faces import GENERATOR_VERSION, write_synthetic_faces
from simlearn.data.synthetic_video import draw_person, draw_person_video

CROP = 40
SIDE = 32
FIRST_HELD_OUT = 320
"""The recipes train on the people before this number."""


def draw_faces(seed: int, first: int, identities: int, videos: int) -> np.ndarray:
    """Draw people ``first`` to ``first + identities - 1`` as the evaluation sees them.

    Returns:
        (identities, videos, 16, 32, 32, 3) uint8: the centre 40 of 64 pixels, resized.
    """
    faces = np.empty((identities, videos, 16, SIDE, SIDE, 3), dtype=np.uint8)
    for k in range(identities):
        who = draw_person(seed, first + k)
        for video in range(videos):
            drawing = draw_person_video(who, first + k, video, seed=seed)
            edge = (64 - CROP) // 2
            for frame in range(16):
                centre = drawing.aligned(frame)[edge : edge + CROP, edge : edge + CROP]
                faces[k, video, frame] = cv2.resize(
                    centre, (SIDE, SIDE), interpolation=cv2.INTER_AREA
                )
    return faces


def pixel_ceiling(
    seed: int, *, identities: int = 80, videos: int = 4, faces: np.ndarray | None = None
) -> dict[str, float]:
    """Top-1 of four distances between pixels, each video against all others.

    Args:
        seed: of the data.
        identities: people that are held out.
        videos: of each.
        faces: from :func:`draw_faces`, drawn if not given.

    Returns:
        Shares in [0, 1]: ``mean`` (mean frame), ``frame`` (nearest pair of 8 frames), each raw and
        with every image brought to zero mean and unit deviation, and ``best`` of them.
    """
    if faces is None:
        faces = draw_faces(seed, FIRST_HELD_OUT, identities, videos)
    count = identities * videos
    owner = torch.arange(identities).repeat_interleave(videos)
    frames = torch.from_numpy(faces).reshape(count, 16, -1).float() / 255
    results = {}
    for suffix, prepare in (("", nn.Identity()), ("_normalised", _normalise)):
        mean = prepare(frames.mean(1))
        results[f"mean{suffix}"] = _top1(torch.cdist(mean, mean), owner)
        eight = prepare(frames[:, ::2]).flatten(0, 1)
        pairs = torch.cdist(eight, eight).reshape(count, 8, count, 8)
        results[f"frame{suffix}"] = _top1(pairs.amin(dim=(1, 3)), owner)
    results["best"] = max(results.values())
    return results


def supervised_ceiling(
    seed: int,
    *,
    identities: int = 80,
    videos: int = 8,
    train_videos: int = 6,
    steps: int = 1200,
    faces: np.ndarray | None = None,
) -> dict[str, float]:
    """A small 2-D network with labels: share of unseen videos of known people that it names.

    Args:
        seed: of the data and of the training.
        identities: people, all of them known.
        videos: of each; the first ``train_videos`` are trained on, the others are named by the
            mean over their frames of the log-probabilities.
        train_videos: see above.
        steps: of 128 frames, AdamW with one cycle.
        faces: from :func:`draw_faces`, drawn if not given.

    Returns:
        ``top1`` in [0, 1], ``videos`` named, ``steps`` and ``seconds`` of training.
    """
    if faces is None:
        faces = draw_faces(seed, FIRST_HELD_OUT, identities, videos)
    pictures = _normalise(torch.from_numpy(faces).permute(0, 1, 2, 5, 3, 4).float() / 255, 3)
    labels = torch.arange(identities)[:, None, None].expand(-1, videos, 16)
    known = pictures[:, :train_videos].flatten(0, 2)
    known_labels = labels[:, :train_videos].flatten()
    started = time.perf_counter()
    net = _train(known, known_labels, identities, steps, seed)
    seconds = time.perf_counter() - started
    unseen = pictures[:, train_videos:].flatten(0, 1)
    truth = labels[:, train_videos:, 0].flatten()
    with torch.inference_mode():
        scores = torch.stack([functional.log_softmax(net(video), 1).mean(0) for video in unseen])
    right = (scores.argmax(1) == truth).double().mean()
    return {
        "top1": float(right),
        "videos": float(len(truth)),
        "steps": float(steps),
        "seconds": seconds,
    }


def drawing_speed(seed: int, *, identities: int = 40) -> dict[str, float]:
    """Milliseconds per 16-frame video of 64 pixels on one core: drawn, and written as a tree."""
    started = time.perf_counter()
    for number in range(identities):
        who = draw_person(seed, number)
        for video in range(4):
            draw_person_video(who, number, video, seed=seed)
    drawn = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        write_synthetic_faces(Path(folder) / "t", identities=identities, seed=seed, workers=0)
        written = time.perf_counter() - started
    scale = 1000 / (4 * identities)
    return {"drawn_ms": drawn * scale, "written_ms": written * scale}


def _normalise(images: torch.Tensor, dims: int = 1) -> torch.Tensor:
    """Zero mean and unit deviation over the last ``dims`` dimensions."""
    axes = tuple(range(-dims, 0))
    centred = images - images.mean(axes, keepdim=True)
    return centred / centred.square().mean(axes, keepdim=True).sqrt().clamp_min(1e-6)


def _top1(distances: torch.Tensor, owner: torch.Tensor) -> float:
    """Share of rows whose nearest other row has the same owner."""
    nearest = distances.fill_diagonal_(float("inf")).argmin(1)
    return float((owner[nearest] == owner).double().mean())


def _network(classes: int) -> nn.Sequential:
    """Four 3x3 convolutions with GroupNorm, a 4x4 map, dropout and a linear layer."""
    layers: list[nn.Module] = []
    before = 3
    for k, width in enumerate((32, 64, 96, 128)):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.GroupNorm(8, width), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if k < 3 else []
        before = width
    head = [nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 16, classes)]
    return nn.Sequential(*layers, *head)


def _train(
    pictures: torch.Tensor, labels: torch.Tensor, classes: int, steps: int, seed: int
) -> nn.Module:
    """Cross-entropy on single frames with random shifts and flips; returns the net in eval mode."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = _network(classes).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(labels), (128,), generator=generator)
        batch = _augment(pictures[rows], generator)
        loss = functional.cross_entropy(net(batch), labels[rows], label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return net.eval()


def _augment(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Shift every picture by up to 3 pixels and flip half of them."""
    padded = functional.pad(batch, (3, 3, 3, 3), mode="replicate")
    places = torch.randint(7, (len(batch), 2), generator=generator).tolist()
    flips = (torch.rand(len(batch), generator=generator) < 0.5).tolist()
    parts = []
    for picture, (top, left), flip in zip(padded, places, flips, strict=True):
        part = picture[:, top : top + SIDE, left : left + SIDE]
        parts.append(part.flip(-1) if flip else part)
    return torch.stack(parts).contiguous(memory_format=torch.channels_last)


def _git_hash() -> str | None:
    """Commit of this checkout, if there is one."""
    git = shutil.which("git")
    if git is None:
        return None
    found = subprocess.run(
        [git, "rev-parse", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() if found.returncode == 0 else None


def _environment() -> dict[str, Any]:
    """Versions and machine that the numbers belong to."""
    return {
        "generator_version": GENERATOR_VERSION,
        "simlearn": version("simlearn"),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "python": platform.python_version(),
        "processor": platform.processor() or platform.machine(),
        "cpu_count": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "git": _git_hash(),
    }


def main() -> None:
    """Measure every seed, print a line for each, write all raw values."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    # called as the reader would call it: without the folders of one machine
    result: dict[str, Any] = {
        "command": " ".join(["python", "benchmarks/synthetic_faces.py", *sys.argv[1:]]),
        "environment": _environment(),
        "seeds": {},
    }
    for seed in options.seeds:
        row = {
            "pixels": pixel_ceiling(seed),
            "supervised": supervised_ceiling(seed),
            "speed": drawing_speed(seed),
        }
        result["seeds"][str(seed)] = row
        print(
            f"seed {seed}: pixels {100 * row['pixels']['best']:.1f} %, "
            f"supervised {100 * row['supervised']['top1']:.1f} % "
            f"in {row['supervised']['seconds']:.0f} s, "
            f"{row['speed']['drawn_ms']:.1f} ms to draw a video, "
            f"{row['speed']['written_ms']:.1f} ms with its JPEGs",
            flush=True,
        )
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        partial = options.out.with_suffix(".partial")
        with partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps(result, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(options.out)


if __name__ == "__main__":
    main()
