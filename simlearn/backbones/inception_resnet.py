"""Inception-ResNet-v1 (Szegedy et al. 2016) as facenet-pytorch builds it for faces."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from simlearn.backbones.arguments import at_least_one
from simlearn.backbones.base import Backbone, he_initialise
from simlearn.backbones.weights import load_weights

DIM = 512


def facenet_stages(dropout: float, in_channels: int) -> dict[str, nn.Module]:
    """The layers of facenet-pytorch's network under its own names, with fresh weights.

    Raises:
        ValueError: facenet-pytorch is not installed; a dropout outside [0, 1].
    """
    try:
        from facenet_pytorch.models.inception_resnet_v1 import InceptionResnetV1 as Facenet
    except ImportError as error:
        raise ValueError(
            "backbone=inception_resnet needs facenet-pytorch: pip install 'simlearn[faces]'"
        ) from error
    stages: dict[str, nn.Module] = dict(
        Facenet(pretrained=None, dropout_prob=dropout).named_children()
    )
    if in_channels != 3:
        stem = stages["conv2d_1a"]
        stem.conv = nn.Conv2d(in_channels, 32, kernel_size=3, stride=2, bias=False)
    # facenet flattens between its layers
    stages["avgpool_1a"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return stages


class InceptionResnetV1(Backbone):
    """facenet-pytorch's network without its classifier; 23,482,624 parameters.

    Szegedy et al. 2016, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on
    Learning". Takes ``(B, in_channels, H, W)`` of 75 px or more, made for 160; gives ``(B, 512)``
    features behind the last batch norm, of both signs and not yet normalised: facenet's
    embedding is ``F.normalize`` of them (``head=identity``). No row gives no features (in eval
    mode). Batch norm makes every training sample depend on its batch, which needs two images.
    The channels are fixed in facenet-pytorch's blocks, so there is no width.

    Public files (VGGFace2, CASIA-WebFace) were trained on aligned faces of 160 px with pixels
    (x - 127.5) / 128; ``data.standardise=range`` divides by 127.5, which is 0.4 % more.

    Args:
        dropout: share of the 1792 pooled values that is dropped in training, as published 0.6.
        in_channels: colour channels.
        weights: file of weights to start from, see :func:`load_weights`. Nothing is downloaded.

    Raises:
        ValueError: facenet-pytorch is not installed; a dropout outside [0, 1]; in_channels below
            1; weights of another backbone.
    """

    least = 75  # the smallest side that leaves the last reduction a map to work on
    way_out = "set data.side=75 or more (its public files expect 160)"

    def __init__(
        self, dropout: float = 0.6, in_channels: int = 3, weights: Path | None = None
    ) -> None:
        at_least_one(in_channels=in_channels)
        if not 0 <= dropout <= 1:
            raise ValueError(f"backbone.dropout is {dropout}, must be from 0 to 1")
        super().__init__(facenet_stages(dropout, in_channels), dim=DIM, kind="image")
        he_initialise(self)
        if weights is not None:
            load_weights(self, weights)
