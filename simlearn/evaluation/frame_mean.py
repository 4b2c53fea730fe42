"""A network of still images that looks at clips, frame by frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def mean_direction(z: Tensor) -> Tensor:
    """``(B, T, d)`` embeddings to ``(B, d)``: each to length 1, their mean, to length 1 again.

    Raises:
        ValueError: T is 0.
    """
    if z.shape[1] == 0:
        raise ValueError(f"the mean of no frame is not defined: found shape {tuple(z.shape)}")
    return F.normalize(F.normalize(z, dim=2).mean(dim=1), dim=1)


class FrameMean(nn.Module):
    """Embeds a clip as the normalised mean of its normalised frame embeddings.

    So a network of images sees at test the frames that a network of clips sees. The frames are
    embedded T times B at once, in the memory of one batch of images.

    Args:
        network: ``(B, C, H, W) -> (B, d)``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, T, H, W)`` to ``(B, d)`` of length 1.

        Raises:
            ValueError: not a batch of clips, or clips without frames.
        """
        if x.ndim != 5 or x.shape[2] == 0:
            raise ValueError(f"x must be (B, C, T, H, W) with T above 0, found {tuple(x.shape)}")
        frames = [self.network(frame) for frame in x.unbind(dim=2)]
        return mean_direction(torch.stack(frames, dim=1))
