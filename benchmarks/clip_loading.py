"""Clips from the frame store against decoding their JPEGs, and the wait for clips in training.

One clip is 8 frames of 40 x 40 px, from the middle of 64 x 64 JPEGs. All three ways must give
frames of the same size, the first two the same pixels. Repeats alternate.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from results import median, write_result
from train_step import parts_for

from simlearn.data.frames import ImageFiles
from simlearn.tasks.metric import open_data
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.training import StartingPoint
from simlearn.trainer.progress import ProgressLine

CLIPS = 100


def pillow_clip(source: ImageFiles, rows: np.ndarray) -> np.ndarray:
    """Decode, crop and resize a clip with Pillow."""
    frames = []
    for row in rows:
        number = int(np.searchsorted(source.offsets, row, side="right")) - 1
        video = source.videos[number]
        path = source.root / video.frames[int(row - source.offsets[number])]
        image = Image.open(path).convert("RGB")
        side = round(source.crop * min(image.size))
        left, top = (image.width - side) // 2, (image.height - side) // 2
        box = (left, top, left + side, top + side)
        frames.append(np.asarray(image.resize((source.size, source.size), Image.BOX, box)))
    return np.stack(frames)


def time_clips(read: Callable[[np.ndarray], np.ndarray], clips: list[np.ndarray]) -> float:
    """Milliseconds per clip."""
    begun = time.perf_counter()
    for rows in clips:
        read(rows)
    return 1e3 * (time.perf_counter() - begun) / len(clips)


def waiting_share(parts, data, steps: int) -> dict[str, float]:
    """Share of the step time that the bare loop waits for its next batch."""
    model = torch.nn.Sequential(parts.backbone, parts.head)
    optimizer, _ = parts.optimizer.build(model.parameters(), steps)
    waited, whole, done = 0.0, 0.0, 0
    while done < steps:
        data.sampler.set_epoch(done // len(data.sampler))
        batches = iter(data.train_dataloader())
        for _ in range(len(data.sampler)):
            begun = time.perf_counter()
            batch = next(batches)
            got = time.perf_counter()
            optimizer.zero_grad()
            parts.loss(model(batch.x), batch.y).value.backward()
            optimizer.step()
            if done >= 5:
                waited += got - begun
                whole += time.perf_counter() - begun
            done += 1
    return {"share": waited / whole, "wait_ms": 1e3 * waited / (done - 5)}


def main() -> None:
    """Measure and write ``results/clip_loading.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(2)
    milliseconds: dict[str, list[float]] = {"store": [], "opencv": [], "pillow": []}
    waits = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts, composed = parts_for(folder, options.steps)
        run = RunContext("quickstart", {}, composed.text, folder, 100)
        data = open_data(parts, run, StartingPoint(), ProgressLine())
        opened, size = data.data, parts.source.stored_side
        files = ImageFiles(opened.root, opened.videos, size=size, crop=parts.source.stored_crop)
        store = opened.reader
        g = np.random.default_rng(0)
        starts = g.integers(0, files.offsets[-1] // 16, size=CLIPS) * 16
        clips = [start + np.arange(0, 16, 2) for start in starts]
        assert all(np.array_equal(store.gather(c), files.gather(c)) for c in clips)
        assert pillow_clip(files, clips[0]).shape == store.gather(clips[0]).shape
        ways = {
            "store": store.gather,
            "opencv": files.gather,
            "pillow": lambda rows: pillow_clip(files, rows),
        }
        for _ in range(options.repeats):
            for which, read in ways.items():
                milliseconds[which].append(time_clips(read, clips))
        for _ in range(3):
            waits.append(waiting_share(parts, data, options.steps))
    medians = {k: median(v) for k, v in milliseconds.items()}
    result = {
        "what": "milliseconds per clip of 8 frames; wait for a batch of 32 clips in training",
        "milliseconds": milliseconds,
        "median_milliseconds": medians,
        "store_against_opencv": median([medians["opencv"] / medians["store"]]),
        "store_against_pillow": median([medians["pillow"] / medians["store"]]),
        "waits": waits,
        "median_waiting_share": median([w["share"] for w in waits]),
    }
    write_result("clip_loading", result)
    print(medians, "waiting", result["median_waiting_share"])


if __name__ == "__main__":
    main()
