"""A network that has learnt classes one experience after the other as a tool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from simlearn.data.class_source import ClassSource
from simlearn.data.embeddings import Embeddings
from simlearn.data.errors import DataError
from simlearn.data.labelled_images import PixelScale
from simlearn.learners import MetricLearner
from simlearn.trainer.checkpoint import CheckpointError, read_checkpoint


def load_stream(learner: MetricLearner, run_dir: Path) -> None:
    """Give a learner the weights after the last complete experience of a run.

    Raises:
        CheckpointError: none is there, it is damaged, or it is of another network.
    """
    path = run_dir / "checkpoints" / "stream.ckpt"
    content = read_checkpoint(path)
    try:
        learner.load_state_dict(content["state_dict"])
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from error


class ImageEmbedder(nn.Module):
    """A trained network with the treatment of pixels that it was trained with.

    Args:
        network: ``x -> z``.
        source: the pixel scale of its training data.
    """

    def __init__(self, network: nn.Module, source: ClassSource) -> None:
        super().__init__()
        self.network = network.eval()
        self.scale = PixelScale(source.mean, source.std)

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings ``(B, d)`` of scaled images ``(B, C, H, W)`` float32."""
        z: Tensor = self.network(x)
        return z

    @torch.no_grad()
    def embed(self, items: Tensor | Sequence[Tensor]) -> Embeddings:
        """Embed a batch.

        Args:
            items: ``(B, C, H, W)`` bytes as the data set has them, or float32 that is scaled
                already; or a sequence of such tensors without B.

        Returns:
            One row per item, in order; labels and groups are unknown (-1).

        Raises:
            ValueError: no item, or items of another number of dimensions.
            DataError: paths of files, which do not say how the data set's images were made; or
                tensors of whole numbers other than bytes.
        """
        if not isinstance(items, Tensor):
            if not len(items):
                raise ValueError("nothing to embed: the sequence is empty")
            strange = next((item for item in items if not isinstance(item, Tensor)), None)
            if strange is not None:
                raise DataError(
                    f"{strange}: this network was trained on a data set of tensors; give tensors "
                    "(C, H, W), uint8 as the data set has them"
                )
            items = torch.stack(list(items))
        if items.dtype != torch.uint8 and not items.is_floating_point():
            raise DataError(
                f"the items are {items.dtype}: give uint8 as the data set has them, or float32 "
                "that is scaled already"
            )
        device = next(self.network.parameters()).device
        z = self.network(self.scale(items).float().to(device)).float().cpu()
        unknown = torch.full((len(z),), -1, dtype=torch.int64)
        return Embeddings(z=z, y=unknown, group=unknown.clone(), index=torch.arange(len(z)))
