"""A finished run as a tool: pictures, videos or tensors in, embeddings out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from simlearn.data.clips import clip_frames, clip_span, even_starts
from simlearn.data.embeddings import Embeddings
from simlearn.data.errors import DataError
from simlearn.data.frames import decode_frame
from simlearn.data.transforms import standardise
from simlearn.data.video_source import VideoSource
from simlearn.evaluation.embed import pool_groups
from simlearn.evaluation.frame_mean import FrameMean

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


def frame_files(path: Path) -> list[Path]:
    """The frames of a video folder in order, or the one image that ``path`` is.

    Frames are ordered by the last number in their name, as in ``0.618.jpg``.

    Raises:
        DataError: nothing there, or a folder without images.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"{path}: no such file or folder; give image files or folders of frames")
    files = [f for f in path.iterdir() if f.suffix.lower() in SUFFIXES]
    if not files:
        raise DataError(f"{path}: no image ({', '.join(SUFFIXES)}) in this folder")
    return sorted(files, key=_frame_number)


def _frame_number(path: Path) -> tuple[int, str]:
    digits = "".join(c if c.isdigit() else " " for c in path.stem).split()
    return (int(digits[-1]) if digits else -1, path.name)


class Embedder(nn.Module):
    """A trained network with the pictures' treatment that it was trained with.

    Args:
        network: ``x -> z``.
        source: crop, size, clip length and standardisation of its training data.
        clips_per_video: clips that are averaged for a folder of frames.
        images: whether the network takes single images.
    """

    def __init__(
        self, network: nn.Module, source: VideoSource, *, clips_per_video: int, images: bool
    ) -> None:
        super().__init__()
        self.network = network.eval()
        self.source, self.clips_per_video, self.images = source, clips_per_video, images

    @torch.no_grad()
    def embed(self, items: Tensor | Sequence[str | Path | Tensor]) -> Embeddings:
        """Embed a batch.

        Args:
            items: a tensor ``(B, C, T, H, W)`` (``(B, C, H, W)`` for image networks) that is
                standardised already; or a sequence of such tensors without B; or of paths, each an
                aligned image (repeated to a clip) or a folder with the frames of one video, whose
                embedding is the normalised mean of its clips, as in an evaluation.

        Returns:
            One row per item, in order; labels and groups are unknown (-1).

        Raises:
            DataError: naming the path that cannot be read.
            ValueError: no item, or paths for a network that was trained on whole frames with face
                boxes (``data.images=frame``), which a path alone does not give.
        """
        if isinstance(items, Tensor):
            z = self.network(items.to(self._device())).float().cpu()
        elif len(items) == 0:
            raise ValueError("nothing to embed: the sequence is empty")
        else:
            z = torch.cat([self._embed_one(item) for item in items])
        unknown = torch.full((len(z),), -1, dtype=torch.int64)
        return Embeddings(z=z, y=unknown, group=unknown.clone(), index=torch.arange(len(z)))

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings ``(B, d)`` of standardised input."""
        z: Tensor = self.network(x)
        return z

    def _device(self) -> torch.device:
        return next(self.network.parameters()).device

    def _embed_one(self, item: str | Path | Tensor) -> Tensor:
        if isinstance(item, Tensor):
            whole: Tensor = self.network(item[None].to(self._device())).float().cpu()
            return whole
        network = FrameMean(self.network) if self.images else self.network
        z = network(self._clips(Path(item)).to(self._device())).float().cpu()
        one = torch.zeros(len(z), dtype=torch.int64)
        return pool_groups(Embeddings(z=z, y=one, group=one, index=one)).z

    def _clips(self, path: Path) -> Tensor:
        """Standardised clips of one video: the middle crop, as in an evaluation."""
        source = self.source
        if source.images == "frame":
            raise ValueError(
                f"{path}: this network was trained on boxes in whole frames (data.images=frame). "
                "Crop the faces as in training and give tensors"
            )
        files = frame_files(path)
        starts = even_starts(
            len(files), clip_span(source.frames, source.stride), self.clips_per_video
        )
        margin = slice(source.margin, source.margin + source.side)
        rows = [clip_frames(int(s), source.frames, source.stride, len(files)) for s in starts]
        wanted = sorted({int(r) for row in rows for r in row})
        decoded = {
            r: decode_frame(files[r], size=source.stored_side, crop=source.stored_crop)
            for r in wanted
        }
        clips = np.stack([[decoded[int(r)][margin, margin] for r in row] for row in rows])
        x = torch.from_numpy(clips)
        alone = x.flatten(0, 1) if self.images else x  # what is standardised together
        return standardise(alone, source.standardise).view(x.shape).permute(0, 4, 1, 2, 3)
